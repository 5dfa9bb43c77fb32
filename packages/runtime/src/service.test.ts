import { describe, expect, it } from 'vitest'
import { Env } from './env.js'
import { readServiceConfig } from './service.js'

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

  it('listens anywhere with TLS', () => {
    const files = { TLS_CERT_FILE: 'c', TLS_KEY_FILE: 'k', TLS_CA_FILE: 'a' }
    expect(mistakes({ GRPC_ADDR: '0.0.0.0:8082', TLS_ENABLED: 'true', ...files })).toEqual([])
  })

  it('may have its health port anywhere', () => {
    expect(mistakes({ METRICS_ADDR: '0.0.0.0:9082' })).toEqual([])
  })
})
