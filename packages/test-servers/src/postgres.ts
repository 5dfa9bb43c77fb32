import { chownSync, copyFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CertificateFiles } from './certificates.js'
import { freePort } from './ports.js'
import { postgresPrograms, postgresUser } from './postgres-programs.js'
import { run } from './run.js'
import { type ServerControls, ServerProcess, serverDirectory, type User } from './server-process.js'

export interface PostgresOptions {
  readonly port?: number
  /** As in postgresql.conf. */
  readonly config?: Readonly<Record<string, string>>
  /** Of the superuser; undefined: everybody on the loopback is trusted. */
  readonly password?: string
  /** Takes TLS too, with this certificate. */
  readonly tls?: CertificateFiles
  /** Refuses connections without TLS. */
  readonly tlsOnly?: boolean
}

export interface PostgresServer extends ServerControls {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly database: string
  /** In libpq's form, without a password. */
  readonly conninfo: string
  readonly directory: string
}

/** Starts Postgres on a free port. @throws Error where there is none: ask postgresMissing() first. */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const programs = await postgresPrograms()
  if ('missing' in programs) throw new Error(programs.missing)
  const user = await postgresUser()
  const host = '127.0.0.1'
  const port = options.port ?? (await freePort())
  const directory = await serverDirectory('postgres', user)
  const data = join(directory, 'data')
  await initialise(programs.initdb, directory, data, options, user)
  const settings = { ...settingsFor(data, options, user), ...options.config, port: String(port) }
  const server = await ServerProcess.start(directory, {
    file: programs.postgres,
    args: ['-D', data, ...Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`])],
    stopSignal: 'SIGINT',
    ready: /database system is ready to accept connections/,
    env: { LC_ALL: 'C' },
    user,
  })
  const conninfo = `host=${host} port=${port} user=postgres dbname=postgres`
  return { ...server.controls, host, port, user: 'postgres', database: 'postgres', conninfo, directory }
}

async function initialise(
  initdb: string,
  directory: string,
  data: string,
  { password, tlsOnly }: PostgresOptions,
  user: User | undefined,
): Promise<void> {
  const method = password === undefined ? 'trust' : 'scram-sha-256'
  const args = ['-D', data, '-U', 'postgres', '-E', 'UTF8', '--locale=C', '--no-sync', `--auth=${method}`]
  if (password !== undefined) {
    const file = join(directory, 'password')
    writeFileSync(file, password)
    if (user) chownSync(file, user.uid, user.gid)
    args.push(`--pwfile=${file}`)
  }
  await run(initdb, args, {
    cwd: directory,
    timeoutMs: 60_000,
    env: { ...process.env, LC_ALL: 'C' },
    ...user,
  })
  const type = tlsOnly ? 'hostssl' : 'host'
  writeFileSync(join(data, 'pg_hba.conf'), `${type} all all 127.0.0.1/32 ${method}\n`)
}

function settingsFor(
  data: string,
  { tls }: PostgresOptions,
  user: User | undefined,
): Readonly<Record<string, string>> {
  const plain = { listen_addresses: '127.0.0.1', unix_socket_directories: '', fsync: 'off' }
  if (!tls) return plain
  const [cert, key] = [join(data, 'server.crt'), join(data, 'server.key')]
  copyFileSync(tls.cert, cert)
  writeFileSync(key, '', { mode: 0o600 })
  copyFileSync(tls.key, key)
  if (user) for (const file of [cert, key]) chownSync(file, user.uid, user.gid)
  return { ...plain, ssl: 'on', ssl_cert_file: cert, ssl_key_file: key }
}
