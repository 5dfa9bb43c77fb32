import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from './ports.js'
import { redisPrograms } from './redis-programs.js'
import { run } from './run.js'
import { type ServerControls, ServerProcess, serverDirectory } from './server-process.js'

const CLI_LIMIT_MS = 10_000

export interface RedisOptions {
  readonly port?: number
  /** As in redis.conf; over the defaults of a test server, which keeps nothing on the disk. */
  readonly config?: Readonly<Record<string, string>>
}

export interface RedisServer extends ServerControls {
  readonly host: string
  readonly port: number
  /** host:port */
  readonly address: string
  /** Its working directory: where it would keep its data. */
  readonly directory: string
  /** Runs redis-cli against it, by its plain port and without a password. @returns what it wrote */
  cli(...args: readonly string[]): Promise<string>
}

/** Starts Redis on a free port. @throws Error where there is none: ask redisMissing() first. */
export async function startRedis({ port, config = {} }: RedisOptions = {}): Promise<RedisServer> {
  const at = port ?? (await freePort())
  const defaults = { save: '', appendonly: 'no', 'repl-diskless-sync-delay': '0' }
  return startRedisProcess('redis-server', at, { port: String(at), ...defaults, ...config })
}

/** Also of a sentinel, which wants its configuration in a file that it may rewrite. */
export async function startRedisProcess(
  program: 'redis-server' | 'redis-sentinel',
  port: number,
  config: Readonly<Record<string, string>>,
  options: { readonly asFile?: boolean } = {},
): Promise<RedisServer> {
  const programs = await redisPrograms()
  if ('missing' in programs) throw new Error(programs.missing)
  const host = '127.0.0.1'
  const directory = await serverDirectory('redis', undefined)
  const settings = Object.entries({ bind: host, dir: directory, ...config })
  const file = join(directory, 'server.conf')
  if (options.asFile) writeFileSync(file, settings.map(([key, value]) => `${key} ${value}\n`).join(''))
  const server = await ServerProcess.start(directory, {
    file: programs[program],
    args: options.asFile ? [file] : settings.flatMap(([key, value]) => [`--${key}`, value]),
    stopSignal: 'SIGTERM',
    ready: /Ready to accept connections|\+monitor master/,
    user: undefined,
  })
  const cli = (...command: readonly string[]): Promise<string> =>
    run(programs['redis-cli'], ['-h', host, '-p', String(port), ...command], { timeoutMs: CLI_LIMIT_MS })
  return { ...server.controls, host, port, address: `${host}:${port}`, directory, cli }
}
