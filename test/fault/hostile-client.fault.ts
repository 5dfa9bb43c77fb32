import { fork } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Latencies, OpenLoop, recordMaker, submitRequest } from '@fractal-lba/load'
import { type Environment, testSite } from '@fractal-lba/local'
import { hmacKey } from '@fractal-lba/pcs'
import { expect, it, onTestFinished } from 'vitest'
import { hostileActs } from '../src/hostile/acts.js'
import type { HostileOrder, HostileReport } from '../src/hostile/client.js'
import { isLong } from '../src/long.js'
import { textOf } from '../src/records.js'
import { System } from '../src/system.js'
import { roundsOf } from './src/rounds.js'

const PROGRAM = fileURLToPath(new URL('../dist/hostile/client.js', import.meta.url))
const HONEST_PER_SECOND = 200
const WINDOW_MS = 15_000
const WARM_UP_MS = 20_000
/** After a window of hostile work: what it has begun ends. */
const SETTLE_MS = 1_000
/** Pairs of windows: ten minutes. */
const PAIRS = roundsOf({ short: 0, long: 20 })
/** Of a process, over the last third. Chosen after the only run that was looked at, whose heaps grew by steps until the seventh minute. */
const GROWTH_MAX = 1.1
const SERVICES = ['gateway', 'wal', 'verifier', 'dedup', 'signal-scoring'] as const

async function started(label: string, env: Environment = {}): Promise<System> {
  const site = await testSite(label)
  onTestFinished(() => site.dispose())
  const system = await System.start(site, label, { env })
  onTestFinished(() => system.close())
  return system
}

it.skipIf(isLong)('a hostile client gets the answers that are due, and the honest ones theirs', async () => {
  const system = await started('fault-hostile')
  const { constellation, client, records, site } = system
  const { acts, close } = hostileActs({ port: site.port, grpcAddress: constellation.grpcAddress })
  onTestFinished(close)
  for (const { name, perform, answers } of acts) {
    expect(answers, name).toContain(await perform())
    expect((await client.submit(textOf(records.next()))).status, `after ${name}`).toBe(200)
  }
  await system.wal.untilNothingOpen(10_000)
  for (const name of SERVICES) expect(constellation.restarts(name), name).toBe(0)
})

it.runIf(isLong)('ten minutes beside honest ones', async () => {
  const { constellation, site } = await started('fault-hostile', {
    TOKEN_RATE: '1000',
    TRUSTED_PROXIES: '127.0.0.1',
    CLIENT_REFUSALS_RATE: undefined,
  })
  const hostile = fork(PROGRAM)
  onTestFinished(() => {
    hostile.kill('SIGKILL')
  })
  const tell = (order: HostileOrder): boolean => hostile.send(order)
  tell({ port: site.port, grpcAddress: constellation.grpcAddress })
  const next = recordMaker({ seed: 20_260_101, key: hmacKey(site.hmacKey) })
  const statuses = new Map<number | string, number>()

  async function honestP99Ms(durationMs: number): Promise<number> {
    const latencies = new Latencies()
    const run = {
      next: () => submitRequest(next().body),
      perSecond: HONEST_PER_SECOND,
      durationMs,
      latencies,
    }
    // Connections of its own for each window: what one loses is not the next one's.
    const honest = await OpenLoop.open({ host: '127.0.0.1', port: site.port, connections: 64 })
    const { answersByStatus, failures } = await honest.run(run)
    honest.close()
    for (const [what, count] of [...answersByStatus, ...failures]) {
      statuses.set(what, (statuses.get(what) ?? 0) + count)
    }
    const [p99 = Number.NaN] = latencies.quantilesMs([0.99])
    return p99
  }

  const memory = (): Record<string, number> => {
    const pids = Object.entries(constellation.pids())
    return Object.fromEntries(pids.map(([name, pid]) => [name, rssMiB(pid ?? 0)]))
  }

  await honestP99Ms(WARM_UP_MS)
  const pairs: { quietMs: number; hostileMs: number }[] = []
  const memories: Record<string, number>[] = []
  for (let pair = 0; pair < PAIRS; pair += 1) {
    const quietMs = await honestP99Ms(WINDOW_MS)
    tell('work')
    const hostileMs = await honestP99Ms(WINDOW_MS)
    tell('rest')
    await honestP99Ms(SETTLE_MS)
    pairs.push({ quietMs, hostileMs })
    memories.push(memory())
  }
  const [before, end] = [memories[Math.ceil((PAIRS * 2) / 3) - 1] ?? {}, memories.at(-1) ?? {}]
  const report = await new Promise<HostileReport>((resolve) => {
    hostile.once('message', (message) => resolve(message as HostileReport))
    tell('report')
  })
  const ratio = median(pairs.map(({ quietMs, hostileMs }) => hostileMs / quietMs))
  const rounded = pairs.map(({ quietMs, hostileMs }) => `${quietMs.toFixed(1)} / ${hostileMs.toFixed(1)}`)
  console.log(JSON.stringify({ ratio, p99Ms: rounded, honest: [...statuses], ...report }, undefined, 1))
  console.log(
    SERVICES.map((name) => `${name} MiB: ${memories.map((each) => each[name]).join(' ')}`).join('\n'),
  )
  for (const name of SERVICES) expect(constellation.restarts(name), name).toBe(0)
  expect([...statuses.keys()]).toEqual([200])
  expect(report.cpuMs / report.workedMs).toBeLessThan(0.55)
  for (const [name, endMiB] of Object.entries(end)) {
    expect(endMiB, `${name} had ${before[name]} MiB`).toBeLessThan(GROWTH_MAX * (before[name] ?? 0))
  }
})

function rssMiB(pid: number): number {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Math.round(Number(kib) / 1024)
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}
