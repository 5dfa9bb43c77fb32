import { fork } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Latencies, OpenLoop, recordMaker, submitRequest } from '@fractal-lba/load'
import { testSite } from '@fractal-lba/local'
import { hmacKey } from '@fractal-lba/pcs'
import { ingest } from '@fractal-lba/proto'
import { credentials } from '@grpc/grpc-js'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { FloodKind, FloodOrder, FloodReport } from '../src/hostile/flooder.js'
import { isLong } from '../src/long.js'
import { textOf } from '../src/records.js'
import { System } from '../src/system.js'
import { typed } from '../src/typed-record.js'
import { unary } from '../src/unary.js'
import { roundsOf } from './src/rounds.js'

const PROGRAM = fileURLToPath(new URL('../dist/hostile/flooder.js', import.meta.url))
const SLOW_CONNECTIONS = 1_000
/** Of so many that are opened again and again as the gateway closes them, these are open at once. */
const SLOW_OPEN_MIN = 0.95 * SLOW_CONNECTIONS
const RESETS = 10_000
const SLOW_MS = isLong ? 60_000 : 6_000
const HONEST_PER_SECOND = 50
const GRPC_PAUSE_MS = 20
/** What an honest client waits at most. */
const ANSWER_MS = 1_000
const ROUNDS = roundsOf({ short: 1, long: 10 })
const SERVICES = ['gateway', 'wal', 'verifier', 'dedup', 'signal-scoring'] as const

/** Answers to honest clients of both fronts, from now until the flood is over. */
interface Honest {
  readonly statuses: readonly (string | number)[]
  readonly worstMs: { readonly http: number; readonly grpc: number }
}

describe('honest clients get answers in less than a second', () => {
  const floods: readonly (readonly [FloodKind, string, number])[] = [
    ['slow', `beside ${SLOW_CONNECTIONS} connections that are slow with headers or body`, SLOW_CONNECTIONS],
    ['http-resets', `beside ${RESETS} connections that are reset`, RESETS],
  ]
  // Long form only: a thousand calls that come in one read hold the gateway up for 0.3 to 0.7 s, on a busy machine for longer.
  const dear: typeof floods = [['stream-resets', `beside ${RESETS} calls that are reset`, RESETS]]
  it.each(isLong ? [...floods, ...dear] : floods)('%s: %s', async (kind, _, count) => {
    const site = await testSite(`fault-floods-${kind}`)
    onTestFinished(() => site.dispose())
    // Without a share of its own, one client may use up all of TOKEN_RATE, and others get a 429.
    const env = { TOKEN_RATE: undefined, CLIENT_RATE: '300' }
    const system = await System.start(site, `fault-floods-${kind}`, { env })
    onTestFinished(() => system.close())
    const { constellation, records } = system
    const target = { port: site.port, grpcAddress: constellation.grpcAddress }
    const body = textOf(records.next())
    const message = Buffer.from(ingest.SubmitRequest.encode({ record: typed(records.next()) }).finish())
    const prefix = Buffer.alloc(5)
    prefix.writeUInt32BE(message.length, 1)
    const order: FloodOrder = {
      ...{ target, kind, count, durationMs: SLOW_MS },
      request: `POST /v1/pcs/submit HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      message: Buffer.concat([prefix, message]).toString('base64'),
    }
    await beside(system, sleep(1_000))
    for (let round = 0; round < ROUNDS; round += 1) {
      const flooding = flood(order)
      const { statuses, worstMs } = await beside(system, flooding)
      const report = await flooding
      console.log(JSON.stringify({ kind, ...report, worstMs, statuses }))
      expect(report.made).toBeGreaterThanOrEqual(count)
      if (kind === 'slow') expect(report.openMax).toBeGreaterThanOrEqual(SLOW_OPEN_MIN)
      expect(statuses).toEqual([200])
      expect(worstMs.http).toBeLessThan(ANSWER_MS)
      expect(worstMs.grpc).toBeLessThan(ANSWER_MS)
    }
    for (const name of SERVICES) expect(constellation.restarts(name), name).toBe(0)
    await system.wal.untilNothingOpen(10_000)
  })
})

function flood(order: FloodOrder): Promise<FloodReport> {
  const flooder = fork(PROGRAM)
  onTestFinished(() => {
    flooder.kill('SIGKILL')
  })
  return new Promise((resolve, reject) => {
    flooder.once('message', (report) => {
      flooder.kill('SIGKILL')
      resolve(report as FloodReport)
    })
    flooder.once('error', reject)
    flooder.send(order)
  })
}

/** Honest work on both fronts until that is over. */
async function beside({ site, constellation, records }: System, work: Promise<unknown>): Promise<Honest> {
  let isOver = false
  const over = work.finally(() => {
    isOver = true
  })
  const statuses = new Set<string | number>()
  const next = recordMaker({ seed: Date.now() % 1_000_000, key: hmacKey(site.hmacKey) })
  const http = async (): Promise<number> => {
    const latencies = new Latencies()
    const loop = await OpenLoop.open({ host: '127.0.0.1', port: site.port, connections: 16 })
    while (!isOver) {
      const run = {
        next: () => submitRequest(next().body),
        perSecond: HONEST_PER_SECOND,
        durationMs: 500,
        latencies,
      }
      const { answersByStatus, failures } = await loop.run(run)
      for (const [status] of answersByStatus) statuses.add(status)
      for (const [why] of failures) statuses.add(why)
    }
    loop.close()
    const [worst = Number.NaN] = latencies.quantilesMs([1])
    return worst
  }
  const grpc = async (): Promise<number> => {
    const client = new ingest.IngestServiceClient(constellation.grpcAddress, credentials.createInsecure())
    let worst = 0
    while (!isOver) {
      const beganMs = performance.now()
      const { result } = await unary(client.submit.bind(client), { record: typed(records.next()) })
      statuses.add(result?.httpStatus ?? 'no outcome')
      worst = Math.max(worst, performance.now() - beganMs)
      await sleep(GRPC_PAUSE_MS)
    }
    client.close()
    return worst
  }
  const [httpMs, grpcMs] = await Promise.all([http(), grpc(), over])
  return { statuses: [...statuses], worstMs: { http: Math.round(httpMs), grpc: Math.round(grpcMs) } }
}
