import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { BenchFailure } from '../round.js'

const START_TIMEOUT_MS = 10_000

/** An HTTP server in a process of its own that answers everything with nothing. */
export interface EmptyProcess {
  readonly port: number
  stop(): void
}

export async function startEmptyProcess(): Promise<EmptyProcess> {
  const server = fork(fileURLToPath(new URL('./empty-server.js', import.meta.url)))
  try {
    return { port: await portOf(server), stop: () => void server.kill() }
  } catch (error) {
    server.kill()
    throw error
  }
}

async function portOf(server: ChildProcess): Promise<number> {
  const [port]: unknown[] = await once(server, 'message', { signal: AbortSignal.timeout(START_TIMEOUT_MS) })
  if (typeof port !== 'number') throw new BenchFailure('the empty server has not said its port')
  return port
}
