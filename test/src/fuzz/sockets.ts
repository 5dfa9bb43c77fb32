import { fileURLToPath } from 'node:url'
import { oneProcessProgram, testSite } from '@fractal-lba/local'
import { patience } from '../patience.js'
import { grpcFrontTarget } from './grpc-front-target.js'
import { httpRawTarget } from './http-raw-target.js'
import { httpTarget } from './http-target.js'
import { FUZZ_KEY_TEXT } from './records.js'
import type { Place, SocketTarget } from './target.js'

export const socketTargets: readonly SocketTarget[] = [httpTarget, httpRawTarget, grpcFrontTarget]

export interface SocketRun {
  readonly from: number
  /** How many inputs at most. */
  readonly bodies: number
  /** No input is sent after so long. */
  readonly forMs?: number | undefined
  readonly onProgress?: (done: number, failed: number) => void
}

/** As the pool of threads reports it. */
export interface SocketResult {
  readonly seeds: number
  readonly failures: readonly { readonly seed: number; readonly message: string }[]
  readonly totals: Readonly<Record<string, Readonly<Record<string, number>>>>
}

/** More say nothing new. */
const FAILURES_MAX = 100
const ROOT = fileURLToPath(new URL('../../..', import.meta.url))

/** Sends the inputs of as many seeds as there is time for. */
export async function sendAll(target: SocketTarget, place: Place, run: SocketRun): Promise<SocketResult> {
  const { name, parallel, input } = target
  const sender = target.open(place)
  const totals: Record<string, number> = {}
  const failures: { seed: number; message: string }[] = []
  const endMs = performance.now() + (run.forMs ?? Number.POSITIVE_INFINITY)
  let next = run.from
  let done = 0
  const work = async (): Promise<void> => {
    while (next < run.from + run.bodies && performance.now() < endMs && failures.length < FAILURES_MAX) {
      const seed = next
      next += 1
      try {
        const what = await sender.send(input(seed))
        totals[what] = (totals[what] ?? 0) + 1
      } catch (error) {
        failures.push({ seed, message: String(error) })
      }
      done += 1
      run.onProgress?.(done, failures.length)
    }
  }
  await Promise.all(Array.from({ length: parallel }, work))
  sender.close()
  return { seeds: done, failures, totals: { [name]: totals } }
}

/**
 * The same against a gateway with its services in a process beside, started for it.
 * @throws Error where it cannot start. A process that died is a failure of the last seed.
 */
export async function fuzzOverSockets(
  wanted: Partial<SocketRun> & { readonly name: string; readonly inputs?: readonly Buffer[] },
): Promise<SocketResult> {
  const known = socketTargets.find(({ name }) => name === wanted.name)
  if (!known) throw new Error(`there is no target ${wanted.name}`)
  const { inputs, from = 0, bodies = 1 } = wanted
  const target = inputs ? { ...known, input: (seed: number) => inputs[seed] ?? Buffer.alloc(0) } : known
  const site = await testSite('fuzz')
  try {
    const program = oneProcessProgram(ROOT)
    const env = { ...patience, PCS_HMAC_KEY: FUZZ_KEY_TEXT, LOG_LEVEL: 'error' }
    const constellation = await site.start({ programs: [program], env })
    const place = { httpPort: site.port, grpcAddress: constellation.grpcAddress }
    const result = await sendAll(target, place, { ...wanted, from, bodies })
    const died = constellation.restarts(program.name)
    if (died === 0) return result
    const message = `the process died ${died} times`
    return { ...result, failures: [...result.failures, { seed: from + result.seeds - 1, message }] }
  } finally {
    await site.dispose()
  }
}
