import { createLogger, type ExpiryClock, trusting } from '@fractal-lba/runtime'
import { vi } from 'vitest'
import { NO_LOGS } from '../index/log-set.js'
import type { PostgresConfig } from '../postgres/postgres-config.js'
import { PostgresServer } from '../postgres/postgres-server.js'
import type { RedisConfig } from '../redis/redis-config.js'
import { RedisServer } from '../redis/redis-server.js'
import type { RemoteServer, RemoteServerOptions } from '../remote/remote-server.js'
import { RemoteStore } from '../remote/remote-store.js'
import type { StoreUnderTest } from '../store.contract.js'
import { randomName } from './verdicts.js'

/** Longer than a busy machine lets a server wait; what waits for it to end is slower by that. */
export const TIMEOUT_MS = 3_000

/** For tests: the configuration of one Redis without a password. */
export function redisAt(port: number, changes: Partial<RedisConfig> = {}): RedisConfig {
  return {
    places: { kind: 'standalone', address: { host: '127.0.0.1', port } },
    access: { username: undefined, password: undefined, database: 0, tls: undefined },
    allowEviction: false,
    replicasMin: 0,
    ...changes,
  }
}

/** @param clock as a whole, or one that everything goes by */
export function redisServer(
  config: RedisConfig,
  clock: ExpiryClock | (() => number) = Date.now,
): RedisServer {
  return new RedisServer(config, optionsBy(clock))
}

function optionsBy(clock: ExpiryClock | (() => number)): RemoteServerOptions {
  const logger = createLogger('dedup', 'fatal')
  return { timeoutMs: TIMEOUT_MS, clock: typeof clock === 'function' ? trusting(clock) : clock, logger }
}

/** Resolves when the store can be asked. */
export async function up<T extends { state(): { up: boolean; refusal: string | undefined } }>(
  store: T,
): Promise<T> {
  await vi.waitFor(
    () => {
      const { up, refusal } = store.state()
      if (!up) throw new Error(`it is down: ${refusal}`)
    },
    { timeout: 15_000, interval: 5 },
  )
  return store
}

/** For tests: two handles on one store, filled, by a clock that the test moves. */
export async function twoStores(makeServer: (now: () => number) => RemoteServer): Promise<StoreUnderTest> {
  const clock = { nowMs: Date.now() }
  const now = (): number => clock.nowMs
  const [one, two] = [
    new RemoteStore(makeServer(now), trusting(now)),
    new RemoteStore(makeServer(now), trusting(now)),
  ]
  await Promise.all([up(one), up(two)])
  const generation = randomName()
  await one.begin(generation, NO_LOGS)
  await one.complete()
  await two.adopt(generation)
  return {
    stores: [one, two],
    nowMs: now,
    pass: async (ms) => {
      clock.nowMs += ms
    },
    close: async () => {
      await Promise.all([one.close(), two.close()])
    },
  }
}

/** For tests: the configuration of one Postgres. */
export function postgresAt(
  server: { readonly host: string; readonly port: number },
  changes: Partial<PostgresConfig> = {},
): PostgresConfig {
  return {
    ...{ host: server.host, port: server.port, user: 'postgres', password: undefined, database: 'postgres' },
    ...{
      tls: [false],
      connectTimeoutMs: undefined,
      applicationName: 'test',
      options: undefined,
      connectionsMax: 8,
    },
    ...changes,
  }
}

export function postgresServer(
  config: PostgresConfig,
  clock: ExpiryClock | (() => number) = Date.now,
): PostgresServer {
  return new PostgresServer(config, optionsBy(clock))
}
