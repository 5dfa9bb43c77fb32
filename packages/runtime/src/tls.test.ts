import { describe, expect, it } from 'vitest'
import { Env } from './env.js'
import { readPublicTls, readTls } from './tls.js'

const FILES = { TLS_CERT_FILE: 'c', TLS_KEY_FILE: 'k', TLS_CA_FILE: 'a' }

function read(source: NodeJS.ProcessEnv) {
  const env = new Env(source)
  const internal = readTls(env)
  return { internal, outside: readPublicTls(env, internal), mistakes: env.mistakes }
}

describe('TLS between the services', () => {
  it('is off unless it is asked for, and wants all of its files', () => {
    expect(read({})).toEqual({ internal: undefined, outside: undefined, mistakes: [] })
    expect(read({ TLS_ENABLED: 'true', ...FILES })).toMatchObject({
      internal: { files: { certFile: 'c', keyFile: 'k', caFile: 'a' }, everyMs: 10_000 },
      mistakes: [],
    })
    expect(read({ TLS_ENABLED: 'true', TLS_KEY_FILE: 'k' }).mistakes).toEqual([
      expect.stringContaining('TLS_CERT_FILE, TLS_CA_FILE must name PEM files'),
    ])
    expect(read({ TLS_ENABLED: 'perhaps' }).mistakes).toEqual(['TLS_ENABLED is not true or false'])
  })

  it('is not left out in silence where there are files for it', () => {
    expect(read(FILES).mistakes).toEqual([expect.stringContaining('TLS_ENABLED is not true')])
    // A store may be believed by it.
    expect(read({ TLS_CA_FILE: 'a' }).mistakes).toEqual([])
  })

  it('takes other names for a role, and refuses what is none', () => {
    const names = 'gateway=gw.example, tools=ops.example,gateway=gw2.example'
    const { internal } = read({ TLS_ENABLED: 'true', ...FILES, TLS_NAMES: names })
    expect([...(internal?.names ?? [])]).toEqual([
      ['gateway', ['gw.example', 'gw2.example']],
      ['tools', ['ops.example']],
    ])
    for (const wrong of ['gate=x', 'gateway', 'gateway=', 'gateway=a b', 'gateway=*.example']) {
      expect(read({ TLS_NAMES: wrong }).mistakes).toEqual([expect.stringContaining('TLS_NAMES is not')])
    }
  })
})

describe('TLS of the public side', () => {
  it('shows the internal certificate unless it has one of its own, and asks for none', () => {
    expect(read({ TLS_ENABLED: 'true', ...FILES }).outside).toMatchObject({
      files: { certFile: 'c', keyFile: 'k', caFile: undefined },
      asksForCertificates: false,
    })
    const own = { PUBLIC_TLS_CERT_FILE: 'pc', PUBLIC_TLS_KEY_FILE: 'pk' }
    expect(read(own)).toMatchObject({
      internal: undefined,
      outside: { files: { certFile: 'pc', keyFile: 'pk' } },
    })
  })

  it('asks for certificates where it is told who signs them', () => {
    const source = { TLS_ENABLED: 'true', ...FILES, PUBLIC_TLS_CLIENT_CA_FILE: 'ca' }
    expect(read(source).outside).toMatchObject({ files: { caFile: 'ca' }, asksForCertificates: true })
  })

  it('names what is missing', () => {
    expect(read({ PUBLIC_TLS_CERT_FILE: 'pc' }).mistakes).toEqual([
      expect.stringContaining('both or not at all'),
    ])
    expect(read({ PUBLIC_TLS_CLIENT_CA_FILE: 'ca' }).mistakes).toEqual([
      expect.stringContaining('there is no PUBLIC_TLS_CERT_FILE'),
    ])
  })
})
