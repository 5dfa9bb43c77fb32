import { ConfigError, Env } from '@fractal-lba/runtime'
import { describe, expect, it } from 'vitest'
import { readDedupConfig } from './config.js'

function read(variables: Record<string, string>) {
  const env = new Env(variables)
  const config = readDedupConfig(env)
  env.done()
  return config
}

describe('the configuration', () => {
  it('has a value for everything', () => {
    expect(read({})).toMatchObject({
      grpcAddress: '127.0.0.1:8084',
      metricsAddress: '127.0.0.1:9084',
      ttlMs: 14 * 24 * 3_600_000,
      memoryIdsMax: 1_000_000,
      snapshotPath: 'data/dedup/snapshot',
      snapshotEveryMs: 60_000,
      walAddresses: ['127.0.0.1:8082'],
      hopTimeoutMs: 1_000,
    })
  })

  it('takes what is set', () => {
    const variables = { DATA_DIR: '/srv/flk', DEDUP_TTL: '2s', DEDUP_MEMORY_MAX: '7', WAL_ADDR: 'a:1,b:2' }
    expect(read({ ...variables, DEDUP_BACKEND: 'memory', DEDUP_SNAPSHOT_INTERVAL: '5s' })).toMatchObject({
      snapshotPath: '/srv/flk/dedup/snapshot',
      ttlMs: 2_000,
      memoryIdsMax: 7,
      walAddresses: ['a:1', 'b:2'],
      snapshotEveryMs: 5_000,
    })
    expect(read({ DATA_DIR: '/srv/flk', DEDUP_SNAPSHOT: '/tmp/s' }).snapshotPath).toBe('/tmp/s')
  })

  it('names every mistake, and the values that are possible', () => {
    const variables = { DEDUP_BACKEND: 'mongo', DEDUP_TTL: '14', DEDUP_MEMORY_MAX: '0', WAL_ADDR: 'nowhere' }
    const mistakes = (() => {
      try {
        return read(variables)
      } catch (error) {
        return error instanceof ConfigError ? error.mistakes : error
      }
    })()
    expect(mistakes).toEqual([
      'DEDUP_BACKEND is not memory, redis, postgres',
      expect.stringMatching(/^WAL_ADDR is not host:port/),
      expect.stringMatching(/^DEDUP_TTL is not a duration/),
      expect.stringMatching(/^DEDUP_MEMORY_MAX is not a whole number/),
    ])
  })

  it('takes a store by its name, and reads only what that one needs', () => {
    expect(read({ REDIS_ADDR: 'nonsense', POSTGRES_CONN: 'nonsense' }).backend).toBeUndefined()
    expect(read({ DEDUP_BACKEND: 'redis', REDIS_ADDR: 'redis:6380' }).backend).toMatchObject({
      backend: 'redis',
      settings: { places: { kind: 'standalone', address: { host: 'redis', port: 6380 } } },
    })
    expect(
      read({ DEDUP_BACKEND: 'postgres', POSTGRES_CONN: 'host=db user=u sslmode=disable' }).backend,
    ).toMatchObject({
      backend: 'postgres',
      settings: { host: 'db', port: 5432, user: 'u', database: 'u' },
    })
    expect(() => read({ DEDUP_BACKEND: 'postgres' })).toThrow('POSTGRES_CONN must be set')
  })

  it('waives logs by their addresses, which must be known', () => {
    expect(read({ WAL_ADDR: 'a:1,b:2', DEDUP_WAIVED_LOGS: 'b:2' }).waivedLogs).toEqual(new Set(['b:2']))
    expect(read({}).waivedLogs.size).toBe(0)
    expect(() => read({ WAL_ADDR: 'a:1', DEDUP_WAIVED_LOGS: 'b:2' })).toThrow(
      'b:2, which is not one of WAL_ADDR',
    )
  })
})
