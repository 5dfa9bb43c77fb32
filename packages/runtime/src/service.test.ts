import { describe, expect, it } from 'vitest'
import { Env } from './env.js'
import { readServiceConfig } from './service.js'
import { refuseTls } from './shared-settings.js'

function mistakes(source: NodeJS.ProcessEnv): readonly string[] {
  const env = new Env(source)
  readServiceConfig(env, 'wal')
  return env.mistakes
}

describe('an internal service', () => {
  it.each(['127.0.0.1:8082', '127.0.0.3:0', '[::1]:8082', 'localhost:8082'])('listens at %s', (address) => {
    expect(mistakes({ GRPC_ADDR: address })).toEqual([])
  })

  it.each(['0.0.0.0:8082', '[::]:8082', '10.1.2.3:8082', 'wal.example:8082', '127.example:1'])(
    'listens at %s only where that is asked for, because there is no TLS',
    (address) => {
      expect(mistakes({ GRPC_ADDR: address })).toEqual([expect.stringContaining('INSECURE_LISTEN')])
      expect(mistakes({ GRPC_ADDR: address, INSECURE_LISTEN: 'true' })).toEqual([])
    },
  )

  it('does not start where it is told of TLS', () => {
    expect(mistakes({ TLS_ENABLED: 'true' })).toEqual([expect.stringContaining('TLS_ENABLED is')])
  })

  it('may have its health port anywhere', () => {
    expect(mistakes({ METRICS_ADDR: '0.0.0.0:9082' })).toEqual([])
  })
})

describe('TLS, which servers do not have yet', () => {
  it.each([
    [{ TLS_ENABLED: 'true' }, ['TLS_ENABLED']],
    [{ TLS_CERT_FILE: 'c', TLS_KEY_FILE: 'k' }, ['TLS_CERT_FILE', 'TLS_KEY_FILE']],
    [{ TLS_ENABLED: 'perhaps' }, ['TLS_ENABLED']],
    [{ TLS_ENABLED: 'false' }, []],
    [{}, []],
  ])('is refused by services and gateway: %j', (source, names) => {
    const env = new Env(source)
    refuseTls(env)
    expect(env.mistakes).toEqual(names.map((name) => expect.stringContaining(`${name} is`)))
  })
})
