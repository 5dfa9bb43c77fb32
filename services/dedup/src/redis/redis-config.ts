import { readFileSync } from 'node:fs'
import { type Env, type HostPort, parseAddress } from '@fractal-lba/runtime'

/** How a server is spoken to; the same for all of a deployment. */
/** PEM texts; without `ca`, the authorities that Node knows. */
export interface RedisTls {
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
}

export interface RedisAccess {
  readonly username: string | undefined
  readonly password: string | undefined
  readonly database: number
  /** undefined: no TLS. ca: PEM; without it the system's authorities count. */
  readonly tls: RedisTls | undefined
}

/** Where the masters are to be found. */
export type RedisPlaces =
  | { readonly kind: 'standalone'; readonly address: HostPort }
  | {
      readonly kind: 'sentinel'
      readonly sentinels: readonly HostPort[]
      readonly master: string
      readonly username: string | undefined
      readonly password: string | undefined
    }
  | { readonly kind: 'cluster'; readonly seeds: readonly HostPort[] }

export interface RedisConfig {
  readonly places: RedisPlaces
  readonly access: RedisAccess
  readonly allowEviction: boolean
  /** Fewer replicas that keep up: nothing is written. */
  readonly replicasMin: number
}

const DEFAULT_ADDRESS = '127.0.0.1:6379'
const DATABASE_MAX = 1_000_000

interface ReadAddress {
  readonly addresses: readonly HostPort[]
  readonly username?: string
  readonly password?: string
  readonly database?: number
  readonly tls?: boolean
}

/** Reads the REDIS_ variables; a mistake never tells a value, which may hold a password. */
export function readRedisConfig(env: Env): RedisConfig {
  const given = readAddress(env)
  return {
    places: readPlaces(env, given),
    access: readAccess(env, given),
    allowEviction: env.flag('REDIS_ALLOW_EVICTION', false),
    replicasMin: env.integer('REDIS_MIN_REPLICAS', 0, { min: 0, max: 100 }),
  }
}

function readPlaces(env: Env, given: ReadAddress): RedisPlaces {
  const sentinels = env.optional('REDIS_SENTINELS')
  const master = env.optional('REDIS_SENTINEL_MASTER')
  const isCluster = env.flag('REDIS_CLUSTER', false)
  if (isCluster && given.database !== undefined && given.database !== 0) {
    env.mistake('REDIS_ADDR names a database, and a cluster (REDIS_CLUSTER) has only the first')
  }
  if (sentinels === undefined) {
    if (master !== undefined) env.mistake('REDIS_SENTINEL_MASTER is set without REDIS_SENTINELS')
    if (isCluster) return { kind: 'cluster', seeds: given.addresses }
    const [address, another] = given.addresses
    if (another) env.mistake('REDIS_ADDR names several servers, which only a cluster (REDIS_CLUSTER) has')
    return { kind: 'standalone', address: address ?? localAddress() }
  }
  if (isCluster) env.mistake('REDIS_SENTINELS and REDIS_CLUSTER exclude each other')
  if (env.optional('REDIS_ADDR') !== undefined) {
    env.mistake('REDIS_ADDR and REDIS_SENTINELS exclude each other: the sentinels know the address')
  }
  return {
    kind: 'sentinel',
    sentinels: env.addresses('REDIS_SENTINELS', DEFAULT_ADDRESS).flatMap((text) => parseAddress(text) ?? []),
    master: env.required('REDIS_SENTINEL_MASTER', 'the name of the master group that the sentinels watch'),
    username: env.optional('REDIS_SENTINEL_USERNAME'),
    password: env.optional('REDIS_SENTINEL_PASSWORD'),
  }
}

function readAccess(env: Env, given: ReadAddress): RedisAccess {
  const either = (name: string, inUrl: string | undefined): string | undefined => {
    const value = env.optional(name)
    if (value !== undefined && inUrl !== undefined) {
      env.mistake(`${name} is set, and REDIS_ADDR says it as well: leave one out`)
    }
    return value ?? inUrl
  }
  const username = either('REDIS_USERNAME', given.username)
  const password = either('REDIS_PASSWORD', given.password)
  if (username !== undefined && password === undefined) {
    env.mistake('REDIS_USERNAME is set without REDIS_PASSWORD')
  }
  const wantsTls = env.flag('REDIS_TLS', given.tls ?? false)
  if (given.tls && !wantsTls) env.mistake('REDIS_TLS is false, and REDIS_ADDR begins with rediss://')
  const tls = wantsTls ? readRedisTls(env) : undefined
  return { username, password, database: given.database ?? 0, tls }
}

/** `REDIS_TLS_CA_FILE` (or, as for Postgres, `TLS_CA_FILE`) and a certificate of its own, where Redis asks for one. */
export function readRedisTls(env: Env): RedisTls {
  const shared = readPem(env, 'TLS_CA_FILE')
  const ca = readPem(env, 'REDIS_TLS_CA_FILE') ?? shared
  const cert = readPem(env, 'REDIS_TLS_CERT_FILE')
  const key = readPem(env, 'REDIS_TLS_KEY_FILE')
  if (
    (env.optional('REDIS_TLS_CERT_FILE') === undefined) !==
    (env.optional('REDIS_TLS_KEY_FILE') === undefined)
  ) {
    env.mistake('REDIS_TLS_CERT_FILE and REDIS_TLS_KEY_FILE must be set both or not at all')
  }
  return {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && key !== undefined && { cert, key }),
  }
}

function readPem(env: Env, name: string): string | undefined {
  const file = env.optional(name)
  if (file === undefined) return undefined
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    env.mistake(`${name} cannot be read: ${error instanceof Error ? error.message : String(error)}`)
    return undefined
  }
}

function readAddress(env: Env): ReadAddress {
  const text = env.text('REDIS_ADDR', DEFAULT_ADDRESS)
  const read = /^rediss?:\/\//i.test(text) ? readUrl(text) : readList(text)
  if (!read) {
    env.mistake(
      'REDIS_ADDR is neither host:port (several, for a cluster, separated by commas) nor a redis:// or rediss:// URL',
    )
  }
  return read ?? { addresses: [localAddress()] }
}

function readList(text: string): ReadAddress | undefined {
  const addresses = text.split(',').map((part) => parseAddress(part.trim()))
  return addresses.every((address) => address !== undefined) ? { addresses } : undefined
}

function readUrl(text: string): ReadAddress | undefined {
  try {
    const { protocol, hostname, port, username, password, pathname, search, hash } = new URL(text)
    const database = pathname === '' || pathname === '/' ? '0' : pathname.slice(1)
    if (hostname === '' || search !== '' || hash !== '') return undefined
    if (!/^\d{1,7}$/.test(database) || Number(database) > DATABASE_MAX) return undefined
    return {
      addresses: [{ host: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? 6379 : Number(port) }],
      ...(username === '' ? {} : { username: decodeURIComponent(username) }),
      ...(password === '' ? {} : { password: decodeURIComponent(password) }),
      database: Number(database),
      tls: protocol === 'rediss:',
    }
  } catch {
    // The reason would tell the value.
    return undefined
  }
}

function localAddress(): HostPort {
  return { host: '127.0.0.1', port: 6379 }
}
