import type { Environment } from '@fractal-lba/local'
import {
  postgresMissing,
  redisMissing,
  type ServerControls,
  startPostgres,
  startRedis,
} from '@fractal-lba/test-servers'

export const storeNames = ['redis', 'postgres'] as const
export type StoreName = (typeof storeNames)[number]

/** The store of a drill, which can be stopped and slowed down. */
export interface DrillStore extends ServerControls {
  readonly name: StoreName
  /** Of dedup. */
  readonly env: Environment
  /** Answers nothing for this time; undefined where that cannot be done. */
  readonly stall: ((ms: number) => Promise<void>) | undefined
}

/** @returns undefined where it is not installed, which is said */
export async function startDrillStore(
  name: StoreName,
  say: (line: string) => void,
): Promise<DrillStore | undefined> {
  const missing = await (name === 'redis' ? redisMissing() : postgresMissing())
  if (missing) {
    say(`without a store beyond the memory: ${missing}`)
    return undefined
  }
  if (name === 'postgres') {
    const server = await startPostgres()
    const env = { DEDUP_BACKEND: 'postgres', POSTGRES_CONN: server.conninfo }
    return { ...server, name, env, stall: undefined }
  }
  const server = await startRedis({ config: { 'enable-debug-command': 'yes' } })
  const stall = async (ms: number): Promise<void> => {
    await server.cli('debug', 'sleep', String(ms / 1_000))
  }
  return { ...server, name, env: { DEDUP_BACKEND: 'redis', REDIS_ADDR: server.address }, stall }
}
