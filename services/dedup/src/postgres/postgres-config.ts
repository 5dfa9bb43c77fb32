import { existsSync, readFileSync } from 'node:fs'
import { homedir, userInfo } from 'node:os'
import { join } from 'node:path'
import { type ConnectionOptions, checkServerIdentity } from 'node:tls'
import type { Env } from '@fractal-lba/runtime'
import { type Conninfo, ConninfoError, parseConninfo } from './conninfo.js'

/** false: without TLS. */
export type TlsAttempt = ConnectionOptions | false

export interface PostgresConfig {
  /** A name, an address, or the directory of a socket. */
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string | undefined
  readonly database: string
  /** Tried one after the other until one is taken: sslmode=prefer and allow have two. */
  readonly tls: readonly TlsAttempt[]
  readonly connectTimeoutMs: number | undefined
  readonly applicationName: string
  readonly options: string | undefined
  readonly connectionsMax: number
}

const SSL_MODES = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const
type SslMode = (typeof SSL_MODES)[number]

/** Read below. */
const KNOWN = new Set([
  ...['host', 'hostaddr', 'port', 'user', 'password', 'dbname', 'options', 'connect_timeout'],
  ...['application_name', 'fallback_application_name', 'sslmode', 'sslrootcert', 'sslcert', 'sslkey'],
])
/** What changes nothing for this client, by the values that say so. */
const HARMLESS: Readonly<Record<string, RegExp>> = {
  client_encoding: /^(utf-?8|auto)$/i,
  target_session_attrs: /^(any|read-write|primary)$/,
  gssencmode: /^(disable|prefer)$/,
  channel_binding: /^(disable|prefer)$/,
  sslnegotiation: /^postgres$/,
  sslcompression: /^0$/,
  keepalives: /^1$/,
  keepalives_idle: /^\d+$/,
  keepalives_interval: /^\d+$/,
  keepalives_count: /^\d+$/,
  tcp_user_timeout: /^\d+$/,
}

/** Reads the POSTGRES_ variables; a mistake never tells a value, which may hold a password. */
export function readPostgresConfig(env: Env): PostgresConfig {
  const text = env.required(
    'POSTGRES_CONN',
    'where Postgres is, as host=… port=… user=… dbname=… or as a postgresql:// URL',
  )
  const settings = readSettings(env, text)
  const number = (name: string, fallback: number, max: number): number => {
    const value = settings.get(name)
    if (value === undefined || value === '') return fallback
    if (/^-?\d{1,9}$/.test(value) && Number(value) <= max) return Number(value)
    env.mistake(`POSTGRES_CONN: ${name} is not a whole number up to ${max}`)
    return fallback
  }
  const user = settings.get('user') ?? userInfo().username
  const connectTimeoutS = number('connect_timeout', 0, 3_600)
  const host = settings.get('hostaddr') ?? settings.get('host') ?? 'localhost'
  if (host.includes(','))
    env.mistake('POSTGRES_CONN: several hosts are not supported; name the one to be written')
  return {
    host,
    port: number('port', 5_432, 65_535),
    user,
    password: readPassword(env, settings),
    database: settings.get('dbname') ?? user,
    tls: host.startsWith('/') ? [false] : readTls(env, settings),
    connectTimeoutMs: connectTimeoutS > 0 ? connectTimeoutS * 1_000 : undefined,
    applicationName:
      settings.get('application_name') ?? settings.get('fallback_application_name') ?? 'fractal-lba dedup',
    options: settings.get('options'),
    connectionsMax: env.integer('POSTGRES_CONNECTIONS_MAX', 8, { min: 2, max: 100 }),
  }
}

function readSettings(env: Env, text: string): Conninfo {
  try {
    const settings = parseConninfo(text)
    for (const [name, value] of settings) {
      if (KNOWN.has(name) || HARMLESS[name]?.test(value)) continue
      const shown = /^[a-z_]{1,64}$/.test(name) ? name : 'a name in it'
      env.mistake(
        name in HARMLESS
          ? `POSTGRES_CONN: this value of ${shown} is not supported`
          : `POSTGRES_CONN: ${shown} is not supported`,
      )
    }
    return settings
  } catch (error) {
    if (!(error instanceof ConninfoError)) throw error
    env.mistake(`POSTGRES_CONN: ${error.message}`)
    return new Map()
  }
}

function readPassword(env: Env, settings: Conninfo): string | undefined {
  const apart = env.optional('POSTGRES_PASSWORD')
  const inside = settings.get('password')
  if (apart !== undefined && inside !== undefined) {
    env.mistake('POSTGRES_PASSWORD is set, and POSTGRES_CONN says it as well: leave one out')
  }
  return apart ?? inside
}

/** As libpq means it: only verify-* asks for the authority always, and only verify-full for the host's name. */
function readTls(env: Env, settings: Conninfo): readonly TlsAttempt[] {
  const root = settings.get('sslrootcert')
  const wanted = settings.get('sslmode') ?? (root === 'system' ? 'verify-full' : 'prefer')
  const mode = SSL_MODES.find((one) => one === wanted)
  if (!mode) {
    env.mistake(`POSTGRES_CONN: sslmode is not one of ${SSL_MODES.join(', ')}`)
    return [false]
  }
  if (root === 'system' && mode !== 'verify-full') {
    env.mistake('POSTGRES_CONN: sslrootcert=system goes only with sslmode=verify-full')
    return [false]
  }
  if (mode === 'disable') return [false]
  const tls = tlsOptions(env, mode, settings)
  if (mode === 'allow') return [false, tls]
  return mode === 'prefer' ? [tls, false] : [tls]
}

function tlsOptions(env: Env, mode: SslMode, settings: Conninfo): ConnectionOptions {
  const read = (name: string): { readonly text?: string } => readPem(env, name, settings.get(name))
  const own = { cert: read('sslcert').text, key: read('sslkey').text }
  const withOwn = own.cert !== undefined && own.key !== undefined ? { cert: own.cert, key: own.key } : {}
  const root = settings.get('sslrootcert')
  const file = root ?? env.optional('TLS_CA_FILE') ?? join(homedir(), '.postgresql', 'root.crt')
  const host = settings.get('host')
  const name = settings.get('hostaddr') !== undefined && host !== undefined ? host : undefined
  const named: ConnectionOptions =
    name === undefined
      ? {}
      : { servername: name, checkServerIdentity: (_, certificate) => checkServerIdentity(name, certificate) }
  if (mode === 'verify-full') {
    return root === 'system' ? { ...withOwn, ...named } : { ...withOwn, ...named, ...authority(env, file) }
  }
  const anyName: ConnectionOptions = { ...withOwn, checkServerIdentity: () => undefined }
  // A root certificate that is there counts in the weaker modes too; only the host's name does not.
  if (mode === 'verify-ca' || root !== undefined) return { ...anyName, ...authority(env, file) }
  return { ...anyName, rejectUnauthorized: false }
}

function authority(env: Env, file: string): ConnectionOptions {
  if (!existsSync(file)) {
    env.mistake(
      'POSTGRES_CONN: sslmode asks for the authority of the certificate, and there is none: set sslrootcert or TLS_CA_FILE',
    )
    return {}
  }
  const { text } = readPem(env, 'sslrootcert', file)
  return text === undefined ? {} : { ca: text }
}

function readPem(env: Env, name: string, file: string | undefined): { readonly text?: string } {
  if (file === undefined) return {}
  try {
    return { text: readFileSync(file, 'utf8') }
  } catch {
    env.mistake(`POSTGRES_CONN: the file of ${name} cannot be read`)
    return {}
  }
}
