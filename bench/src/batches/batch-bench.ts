import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { batchRequest, cpuMsOf, type LoadResult, OpenLoop, recordMaker } from '@fractal-lba/load'
import {
  builtPrograms,
  freePortBlock,
  oneProcessProgram,
  type Program,
  startConstellation,
} from '@fractal-lba/local'
import { hmacKey } from '@fractal-lba/pcs'
import type { BatchOptions } from '../bench-options.js'
import type { Comparison } from '../compare/compare.js'
import { MACHINE_VARIABLES } from '../round.js'
import { BATCH_RECORDS, type BatchFigures, type BatchReport } from './batch-report.js'

const SEED = 20_260_102

/** Records in batches at a constant rate, at five processes and at one, by turns, each time on fresh data. */
export async function benchBatches(options: BatchOptions, setup: Comparison): Promise<BatchReport> {
  const { rounds, seconds, warmupSeconds, connections, perSecond } = options
  const count = Math.ceil(((seconds + warmupSeconds) * perSecond) / BATCH_RECORDS)
  setup.say(`signing ${count * BATCH_RECORDS} records`)
  const secret = randomBytes(24).toString('base64')
  const requests = await makeRequests(count, secret, setup.signal)
  const contenders = [
    ['five processes', builtPrograms(setup.root)],
    ['one process', [oneProcessProgram(setup.root)]],
  ] as const
  const runs: BatchFigures[] = []
  for (let round = 1; round <= rounds; round += 1) {
    for (const [name, programs] of contenders) {
      const run = await measure(name, programs, requests, secret, options, setup)
      setup.say(
        `round ${round}, ${name}: ${run.recordsPerSecond.toFixed(0)}/s, p99 ${run.p99Ms.toFixed(0)} ms`,
      )
      runs.push(run)
    }
  }
  return { machine: setup.machine, perSecond, seconds, connections, runs }
}

async function measure(
  name: BatchFigures['name'],
  programs: readonly Program[],
  requests: readonly Buffer[],
  secret: string,
  { seconds, warmupSeconds, connections, perSecond }: BatchOptions,
  { root, dataDir, signal }: Comparison,
): Promise<BatchFigures> {
  const ports = await freePortBlock()
  const directory = await mkdtemp(join(dataDir, 'bench-batches-'))
  try {
    const constellation = await startConstellation({
      port: ports.base,
      dataDir: directory,
      cwd: root,
      supervise: false,
      programs,
      inherit: Object.fromEntries(MACHINE_VARIABLES.map((variable) => [variable, process.env[variable]])),
      env: { PCS_SIGN_ALG: 'hmac', PCS_HMAC_KEY: secret, TOKEN_RATE: '0' },
      signal,
    })
    const loop = await OpenLoop.open({ host: '127.0.0.1', port: constellation.port, connections })
    const close = (): void => loop.close()
    signal.addEventListener('abort', close)
    try {
      let sent = 0
      const next = (): Buffer | undefined => requests[sent++]
      const requestsPerSecond = perSecond / BATCH_RECORDS
      await loop.run({ next, perSecond: requestsPerSecond / 2, durationMs: warmupSeconds * 1_000 })
      signal.throwIfAborted()
      const pids = Object.values(constellation.pids())
      const before = { productMs: cpuMsOf(pids), client: process.cpuUsage() }
      const load = await loop.run({ next, perSecond: requestsPerSecond, durationMs: seconds * 1_000 })
      const productCpuMs = cpuMsOf(pids) - before.productMs
      const { user, system } = process.cpuUsage(before.client)
      return figuresOf(name, load, perSecond, { productCpuMs, clientCpuMs: (user + system) / 1_000 })
    } finally {
      signal.removeEventListener('abort', close)
      close()
      await constellation.stop()
    }
  } finally {
    await rm(directory, { recursive: true, force: true })
    await ports.release()
  }
}

function figuresOf(
  name: BatchFigures['name'],
  { answersByStatus, latencies, elapsedMs, failures }: LoadResult,
  perSecond: number,
  { productCpuMs, clientCpuMs }: { readonly productCpuMs: number; readonly clientCpuMs: number },
): BatchFigures {
  const judged = [...answersByStatus].reduce((sum, [status, count]) => sum + (status < 300 ? count : 0), 0)
  const each = Math.max(1, judged)
  const recordsPerSecond = (1_000 * judged) / elapsedMs
  const [p50Ms = Number.NaN, p99Ms = Number.NaN] = latencies.quantilesMs([0.5, 0.99])
  return {
    name,
    share: Math.min(1, recordsPerSecond / perSecond),
    recordsPerSecond,
    p50Ms,
    p99Ms,
    cpuUsPerRecord: (1_000 * productCpuMs) / each,
    clientCpuUsPerRecord: (1_000 * clientCpuMs) / each,
    answersByStatus: Object.fromEntries(answersByStatus),
    failures: Object.fromEntries(failures),
  }
}

async function makeRequests(count: number, secret: string, signal: AbortSignal): Promise<readonly Buffer[]> {
  const next = recordMaker({ seed: SEED, key: hmacKey(secret) })
  const requests: Buffer[] = []
  while (requests.length < count) {
    requests.push(batchRequest(Array.from({ length: BATCH_RECORDS }, () => next().body)))
    // Ctrl-C is heard meanwhile.
    if (requests.length % 16 === 0) await turn(undefined, { signal })
  }
  return requests
}
