import { ConfigError, Env } from '@fractal-lba/runtime'
import { describe, expect, it } from 'vitest'
import { readRedisConfig } from './redis-config.js'

function read(variables: Record<string, string>) {
  const env = new Env(variables)
  const config = readRedisConfig(env)
  env.done()
  return config
}

function mistakesOf(variables: Record<string, string>): readonly string[] {
  try {
    read(variables)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.mistakes
    throw error
  }
}

const access = { username: undefined, password: undefined, database: 0, tls: undefined }

describe('the configuration of Redis', () => {
  it('is the one on this machine unless told otherwise', () => {
    expect(read({})).toEqual({
      places: { kind: 'standalone', address: { host: '127.0.0.1', port: 6379 } },
      access,
      allowEviction: false,
      replicasMin: 0,
    })
  })

  it.each([
    ['redis:6380', { host: 'redis', port: 6380 }, access],
    ['[::1]:6380', { host: '::1', port: 6380 }, access],
    ['redis://redis', { host: 'redis', port: 6379 }, access],
    ['redis://:p%40ss@redis:1/2', { host: 'redis', port: 1 }, { ...access, password: 'p@ss', database: 2 }],
    ['redis://u:p@[::1]:7/', { host: '::1', port: 7 }, { ...access, username: 'u', password: 'p' }],
    ['rediss://redis:1', { host: 'redis', port: 1 }, { ...access, tls: {} }],
  ])('reads REDIS_ADDR=%s', (text, address, how) => {
    const config = read({ REDIS_ADDR: text })
    expect(config.places).toEqual({ kind: 'standalone', address })
    expect(config.access).toEqual(how)
  })

  it('takes user, password, TLS and the rest from variables of their own', () => {
    const variables = { REDIS_USERNAME: 'u', REDIS_PASSWORD: 'p', REDIS_TLS: 'true', REDIS_MIN_REPLICAS: '2' }
    expect(read({ ...variables, REDIS_ALLOW_EVICTION: 'true' })).toMatchObject({
      access: { username: 'u', password: 'p', tls: {} },
      allowEviction: true,
      replicasMin: 2,
    })
  })

  it('finds a master by sentinels, or the nodes of a cluster', () => {
    expect(read({ REDIS_SENTINELS: 'a:1, b:2', REDIS_SENTINEL_MASTER: 'm' }).places).toEqual({
      kind: 'sentinel',
      sentinels: [
        { host: 'a', port: 1 },
        { host: 'b', port: 2 },
      ],
      master: 'm',
      username: undefined,
      password: undefined,
    })
    expect(read({ REDIS_CLUSTER: 'true', REDIS_ADDR: 'a:1,b:2' }).places).toEqual({
      kind: 'cluster',
      seeds: [
        { host: 'a', port: 1 },
        { host: 'b', port: 2 },
      ],
    })
  })

  it.each([
    [{ REDIS_ADDR: 'redis' }, /REDIS_ADDR is neither host:port/],
    [{ REDIS_ADDR: 'redis://h:1/x' }, /REDIS_ADDR is neither/],
    [{ REDIS_ADDR: 'redis://h:1?db=2' }, /REDIS_ADDR is neither/],
    [{ REDIS_ADDR: 'a:1,b:2' }, /only a cluster/],
    [{ REDIS_SENTINELS: 'a:1' }, /REDIS_SENTINEL_MASTER must be set/],
    [{ REDIS_SENTINEL_MASTER: 'm' }, /without REDIS_SENTINELS/],
    [{ REDIS_SENTINELS: 'a:1', REDIS_SENTINEL_MASTER: 'm', REDIS_CLUSTER: 'true' }, /exclude each other/],
    [{ REDIS_SENTINELS: 'a:1', REDIS_SENTINEL_MASTER: 'm', REDIS_ADDR: 'b:1' }, /exclude each other/],
    [{ REDIS_CLUSTER: 'true', REDIS_ADDR: 'redis://a:1/3' }, /has only the first/],
    [{ REDIS_USERNAME: 'u' }, /without REDIS_PASSWORD/],
    [
      { REDIS_ADDR: 'redis://:inside@h:1', REDIS_PASSWORD: 'outside' },
      /REDIS_PASSWORD is set, and REDIS_ADDR/,
    ],
    [{ REDIS_ADDR: 'rediss://h:1', REDIS_TLS: 'false' }, /rediss/],
    [{ REDIS_TLS: 'true', TLS_CA_FILE: '/nowhere' }, /TLS_CA_FILE cannot be read/],
    [{ REDIS_MIN_REPLICAS: '-1' }, /REDIS_MIN_REPLICAS/],
  ])('names the mistake in %j', (variables, mistake) => {
    expect(mistakesOf(variables as Record<string, string>)).toEqual([expect.stringMatching(mistake)])
  })

  it('tells no password', () => {
    const told = mistakesOf({
      REDIS_ADDR: 'redis://:s3cret@h:1/x',
      REDIS_PASSWORD: 'hunter2',
      REDIS_USERNAME: 'u',
    })
    expect(told.join()).not.toMatch(/s3cret|hunter2/)
  })
})
