import type { Env } from '@fractal-lba/runtime'
import { readPostgresConfig } from './postgres/postgres-config.js'
import { PostgresServer } from './postgres/postgres-server.js'
import { readRedisConfig } from './redis/redis-config.js'
import { RedisServer } from './redis/redis-server.js'
import type { RemoteServer, RemoteServerOptions } from './remote/remote-server.js'

/** What a store behind a network is made of: its settings, and the server that they lead to. */
interface Backend<Config> {
  readonly read: (env: Env) => Config
  readonly open: (config: Config, options: RemoteServerOptions) => RemoteServer
}

/** A store whose settings are read. */
export interface ChosenBackend {
  readonly backend: string
  readonly settings: unknown
  readonly open: (options: RemoteServerOptions) => RemoteServer
}

function backend<Config>(name: string, { read, open }: Backend<Config>): (env: Env) => ChosenBackend {
  return (env) => {
    const settings = read(env)
    return { backend: name, settings, open: (options) => open(settings, options) }
  }
}

/** Every store behind a network, by its name in DEDUP_BACKEND. */
const backends: Readonly<Record<string, (env: Env) => ChosenBackend>> = {
  redis: backend('redis', {
    read: readRedisConfig,
    open: (config, options) => new RedisServer(config, options),
  }),
  postgres: backend('postgres', {
    read: readPostgresConfig,
    open: (config, options) => new PostgresServer(config, options),
  }),
}

/** What DEDUP_BACKEND may name. */
export const backendNames: readonly string[] = ['memory', ...Object.keys(backends)]

/** The store that DEDUP_BACKEND names; undefined: the memory of this process. */
export function readBackend(env: Env): ChosenBackend | undefined {
  const name = env.oneOf('DEDUP_BACKEND', backendNames, 'memory')
  return backends[name]?.(env)
}
