import { describe, expect, it } from 'vitest'
import { environmentOf, reachableHost } from './environment.js'

const place = { port: 9000, dataDir: '/data' }

describe('environmentOf', () => {
  it('does not let an inherited address or directory move a process', () => {
    const inherit = {
      GRPC_ADDR: '10.0.0.1:1',
      METRICS_ADDR: '10.0.0.1:2',
      WAL_DIR: '/elsewhere',
      WAL_ADDR: '10.0.0.1:3',
      PORT: '1',
      PCS_TOL_D: '0.2',
    }
    expect(environmentOf('wal', place, { inherit })).toEqual({
      GRPC_ADDR: '127.0.0.1:9002',
      METRICS_ADDR: '127.0.0.1:10002',
      WAL_DIR: '/data/wal',
      PCS_TOL_D: '0.2',
    })
    expect(environmentOf('gateway', place, { inherit })).not.toHaveProperty('GRPC_ADDR')
  })

  it('lays the wish for all over the place, and the wish for one over that', () => {
    const layers = {
      inherit: { TOKEN_RATE: '1', LOG_LEVEL: 'info' },
      env: { TOKEN_RATE: '2', WAL_DIR: '/chosen', LOG_LEVEL: undefined },
      envOf: { wal: { TOKEN_RATE: '3' } },
    }
    expect(environmentOf('wal', place, layers)).toMatchObject({ TOKEN_RATE: '3', WAL_DIR: '/chosen' })
    expect(environmentOf('verifier', place, layers)).toMatchObject({ TOKEN_RATE: '2' })
    expect(environmentOf('verifier', place, layers)).not.toHaveProperty('LOG_LEVEL')
  })
})

describe('the secrets of a constellation', () => {
  const secrets = {
    PCS_HMAC_KEY: 'a',
    PCS_HMAC_KEYS: 'b,c',
    PCS_HMAC_KEY_OLD: 'd',
    PCS_HMAC_KEY_NEW: 'e',
    POSTGRES_CONN: 'postgresql://user:f@host/db',
    POSTGRES_PASSWORD: 'g',
    REDIS_ADDR: 'redis://user:h@host',
    REDIS_PASSWORD: 'i',
    REDIS_SENTINEL_PASSWORD: 'j',
    PCS_ED25519_PRIV_B64: 'k',
  }
  const keys = ['PCS_HMAC_KEY', 'PCS_HMAC_KEYS', 'PCS_HMAC_KEY_NEW', 'PCS_HMAC_KEY_OLD']
  const stores = [
    'POSTGRES_CONN',
    'POSTGRES_PASSWORD',
    'REDIS_ADDR',
    'REDIS_PASSWORD',
    'REDIS_SENTINEL_PASSWORD',
  ]

  it.each([
    ['gateway', []],
    ['wal', []],
    ['signal-scoring', []],
    ['verifier', keys],
    ['dedup', stores],
    ['one-process', [...keys, ...stores]],
  ] as const)('are given to %s only where it needs them', (name, given) => {
    const inherited = environmentOf(name, place, { inherit: secrets })
    const laidOver = environmentOf(name, place, { inherit: {}, env: secrets })
    for (const environment of [inherited, laidOver]) {
      expect(
        Object.keys(environment)
          .filter((variable) => variable in secrets)
          .sort(),
      ).toEqual([...given].sort())
    }
  })

  it('are given to whoever they are laid out for', () => {
    const layers = { inherit: {}, envOf: { wal: { PCS_HMAC_KEY: 'a' } } }
    expect(environmentOf('wal', place, layers)).toMatchObject({ PCS_HMAC_KEY: 'a' })
  })
})

describe('reachableHost', () => {
  it.each([
    [undefined, '127.0.0.1'],
    ['', '127.0.0.1'],
    ['0.0.0.0', '127.0.0.1'],
    ['::', '[::1]'],
    ['::1', '[::1]'],
    ['192.168.1.5', '192.168.1.5'],
    ['localhost', 'localhost'],
  ])('%s is reached at %s', (host, expected) => {
    expect(reachableHost(host)).toBe(expected)
  })
})
