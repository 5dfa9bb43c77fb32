import { randomInt } from 'node:crypto'
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import { hmacKey } from '@fractal-lba/pcs'
import type { LoadResult } from '../http-client.js'
import { Latencies } from '../latencies.js'
import { OpenLoop } from '../open-loop.js'
import { type MadeRecord, type RecordOptions, recordMaker, submitRequest } from '../records.js'
import {
  type Generated,
  type GeneratorContext,
  LoadFailure,
  type Part,
  type SeenSecond,
} from './generated.js'

const SMOKE = { perSecond: 100, seconds: 60, connections: 128 }
/** As the k6 profiles have it. */
const MIX = { duplicateShare: 0.06, badSignatureShare: 0.02, malformedShare: 0.02 }
const STEPS_PER_SECOND = [
  1, 10, 100, 250, 500, 1_000, 1_500, 2_000, 2_500, 3_000, 4_000, 5_000, 6_000, 8_000, 10_000,
]
const STEP_SECONDS = 10
/** Before the first step: compilers and caches settle, and nobody counts how long it took. */
const WARM_UP = { perSecond: 500, seconds: 10 }
const IDLE_MS = 10_000
/** One step may meet a bad moment of the machine; after two there is no use in more. */
const STEPS_NOT_HELD_MAX = 2
const STEP_CONNECTIONS = 512
const P99_MAX_MS = 200
/** Of what was asked: below it the rate was not reached. */
const REACHED_SHARE = 0.995
const SEEN_EVERY_MS = 1_000

/** A minute of the usual mix, for its answers alone: how fast they were is told, and gates nothing. */
export async function runSmoke(context: GeneratorContext): Promise<Generated> {
  const perSecond = Math.max(1, Math.round(SMOKE.perSecond * context.scale))
  const seconds = context.seconds ?? SMOKE.seconds
  const made = await makeRecords(Math.ceil(perSecond * seconds), context, MIX)
  const watch = new SecondsSeen()
  const { connections } = SMOKE
  const result = await sendAll(made, { perSecond, seconds, connections }, context, watch)
  const kinds = countBy(made.slice(0, sentCount(result)), ({ kind }) => kind)
  const answers = answersOf(result)
  const due = { 200: (kinds.new ?? 0) + (kinds.duplicate ?? 0), 401: kinds.bad_signature ?? 0 }
  const good = (answers[200] ?? 0) + (answers[202] ?? 0)
  const failures = [...result.failures].map(([why, count]) => `${count} times ${why}`)
  const badly = Object.entries(answers).filter(([status]) => Number(status) >= 500)
  return {
    ...generatedOf(result, kinds, watch.seconds),
    parts: [],
    gates: [
      gate(
        'no 5xx',
        badly.map(([status, count]) => `${count} answers ${status}`),
      ),
      gate('no submission without an answer', failures),
      gate(
        'each kind got the answer that is due to it',
        good === due[200] &&
          (answers[401] ?? 0) === due[401] &&
          (answers[400] ?? 0) === (kinds.malformed ?? 0)
          ? []
          : [`sent ${JSON.stringify(kinds)}, answered ${JSON.stringify(answers)}`],
      ),
    ],
  }
}

/** Rates one after the other, up to the second in a row that is not held. */
export async function runCapacity(context: GeneratorContext): Promise<Generated> {
  const seconds = context.seconds ?? STEP_SECONDS
  const parts: Part[] = []
  const watch = new SecondsSeen()
  const results: LoadResult[] = []
  const warmUp = await makeRecords(WARM_UP.perSecond * WARM_UP.seconds, context, {})
  const warmedUp = await sendAll(warmUp, { ...WARM_UP, connections: STEP_CONNECTIONS }, context, watch)
  const idleCores = await idleCoresOf(context)
  context.say(`idle: ${idleCores.toFixed(3)} cores, which the steps are told without`)
  let sent = sentCount(warmedUp)
  let notHeld = 0
  for (const step of STEPS_PER_SECOND) {
    const perSecond = Math.max(1, Math.round(step * context.scale))
    const made = await makeRecords(Math.ceil(perSecond * seconds), context, {})
    const load = { perSecond, seconds, connections: STEP_CONNECTIONS }
    const cpuBeforeMs = context.productCpuMs()
    const result = await sendAll(made, load, context, watch)
    const usedMs = (context.productCpuMs() ?? Number.NaN) - (cpuBeforeMs ?? Number.NaN)
    const cpuMs = usedMs - idleCores * Math.max(result.elapsedMs, 1_000 * seconds)
    results.push(result)
    sent += sentCount(result)
    const part = partOf(`${perSecond}/s`, perSecond, made.length, result, cpuMs)
    parts.push(part)
    const { p50Ms, p95Ms, p99Ms, cpuUs } = part
    context.say(
      `${part.name}: reached ${part.perSecond.toFixed(0)}/s, p50 ${p50Ms.toFixed(1)}, p95 ${p95Ms.toFixed(1)}, p99 ${p99Ms.toFixed(1)} ms, ${cpuUs?.toFixed(0) ?? '?'} µs of CPU each`,
    )
    notHeld = isHeld(part) ? 0 : notHeld + 1
    if (notHeld >= STEPS_NOT_HELD_MAX) break
  }
  const generated = generatedOf(joined(results), {}, watch.seconds)
  return {
    ...generated,
    // The account is of all that was sent, the latencies are of the steps.
    sent: generatedOf(joined([warmedUp, ...results]), { new: sent }, []).sent,
    ...{ parts, gates: [] },
  }
}

/** What the product takes without any record, being asked for its metrics each second. */
async function idleCoresOf({ productCpuMs, signal }: GeneratorContext): Promise<number> {
  const before = productCpuMs()
  if (before === undefined) return Number.NaN
  const bornMs = performance.now()
  await sleep(IDLE_MS, undefined, { signal })
  return ((productCpuMs() ?? Number.NaN) - before) / (performance.now() - bornMs)
}

/** The highest rate whose answers came in time; undefined where not even the first did. */
export function capacityOf(parts: readonly Part[]): Part | undefined {
  return parts.filter(isHeld).at(-1)
}

function isHeld({ asked, perSecond, p99Ms, failed }: Part): boolean {
  return failed === 0 && perSecond >= REACHED_SHARE * asked && p99Ms < P99_MAX_MS
}

interface ArrivalLoad {
  readonly perSecond: number
  readonly seconds: number
  readonly connections: number
}

async function sendAll(
  made: readonly MadeRecord[],
  { perSecond, seconds, connections }: ArrivalLoad,
  { baseUrl, signal }: GeneratorContext,
  watch: SecondsSeen,
): Promise<LoadResult> {
  const loop = await OpenLoop.open({ ...addressOf(baseUrl), connections })
  const close = (): void => loop.close()
  signal.addEventListener('abort', close)
  const latencies = new Latencies()
  const stopWatching = watch.begin(latencies)
  try {
    signal.throwIfAborted()
    const requests = made.map(({ body }) => submitRequest(body))[Symbol.iterator]()
    const next = (): Buffer | undefined => requests.next().value
    const result = await loop.run({ next, perSecond, durationMs: seconds * 1_000, latencies })
    signal.throwIfAborted()
    if (result.answers === 0) throw new LoadFailure('not one answer')
    return result
  } finally {
    stopWatching()
    signal.removeEventListener('abort', close)
    loop.close()
  }
}

/** @throws LoadFailure where the generator does not go */
export function addressOf(baseUrl: string): { readonly host: string; readonly port: number } {
  const { protocol, hostname, port } = new URL(baseUrl)
  const host = { localhost: '127.0.0.1', '127.0.0.1': '127.0.0.1', '[::1]': '::1' }[hostname]
  if (protocol !== 'http:' || host === undefined)
    throw new LoadFailure(
      `the open-loop generator sends to this machine alone, by plain HTTP, not to ${baseUrl}: take a profile of k6`,
    )
  return { host, port: Number(port || '80') }
}

/** The latencies of each second, while they are being measured. */
class SecondsSeen {
  readonly seconds: SeenSecond[] = []
  readonly #bornMs = performance.now()

  begin(latencies: Latencies): () => void {
    let counted = 0
    const timer = setInterval(() => {
      const count = latencies.count
      const [p50Ms, p95Ms, p99Ms] = latencies.slice(counted, count).quantilesMs([0.5, 0.95, 0.99])
      counted = count
      if (p50Ms === undefined || p95Ms === undefined || p99Ms === undefined || Number.isNaN(p50Ms)) return
      this.seconds.push({ second: (performance.now() - this.#bornMs) / 1_000, p50Ms, p95Ms, p99Ms })
    }, SEEN_EVERY_MS)
    return () => clearInterval(timer)
  }
}

async function makeRecords(
  count: number,
  { hmacKey: secret, signal }: GeneratorContext,
  mix: Partial<RecordOptions>,
): Promise<readonly MadeRecord[]> {
  // No two runs have an id in common.
  const next = recordMaker({ seed: randomInt(2 ** 47), key: hmacKey(secret), ...mix })
  const made: MadeRecord[] = []
  while (made.length < count) {
    made.push(next())
    // Ctrl-C is heard meanwhile.
    if (made.length % 1_000 === 0) await turn(undefined, { signal })
  }
  return made
}

function generatedOf(
  result: LoadResult,
  kinds: Readonly<Record<string, number>>,
  seen: readonly SeenSecond[],
): Omit<Generated, 'gates' | 'parts'> {
  const [p50Ms, p95Ms, p99Ms, maxMs] = quantiles(result.latencies)
  return {
    tool: 'the open-loop generator',
    sent: { kinds, answers: answersOf(result), unanswered: lost(result) },
    elapsedMs: result.elapsedMs,
    latency: { p50Ms, p95Ms, p99Ms, maxMs },
    shares: {},
    seen,
  }
}

function partOf(name: string, asked: number, made: number, result: LoadResult, cpuMs: number): Part {
  const [p50Ms, p95Ms, p99Ms] = quantiles(result.latencies)
  const good = (result.answersByStatus.get(200) ?? 0) + (result.answersByStatus.get(202) ?? 0)
  const perSecond = (1_000 * good) / Math.max(result.elapsedMs, (1_000 * made) / asked)
  const cpuUs = (1_000 * cpuMs) / result.answers
  const measured = { name, asked, perSecond, count: result.answers, failed: made - good, p50Ms, p95Ms, p99Ms }
  return Number.isNaN(cpuUs) ? measured : { ...measured, cpuUs }
}

function quantiles(latencies: Latencies): [number, number, number, number] {
  const [p50 = Number.NaN, p95 = Number.NaN, p99 = Number.NaN, max = Number.NaN] = latencies.quantilesMs([
    0.5, 0.95, 0.99, 1,
  ])
  return [p50, p95, p99, max]
}

function joined(results: readonly LoadResult[]): LoadResult {
  const latencies = new Latencies()
  const answersByStatus = new Map<number, number>()
  const failures = new Map<string, number>()
  for (const result of results) {
    latencies.addAll(result.latencies)
    for (const [key, count] of result.answersByStatus) add(answersByStatus, key, count)
    for (const [key, count] of result.failures) add(failures, key, count)
  }
  const sum = (figure: (result: LoadResult) => number): number =>
    results.reduce((total, result) => total + figure(result), 0)
  return {
    ...{ elapsedMs: sum(({ elapsedMs }) => elapsedMs), answers: sum(({ answers }) => answers) },
    ...{ answersByStatus, failures, latencies, refusals: new Map() },
  }
}

function add<Key>(counts: Map<Key, number>, key: Key, count: number): void {
  counts.set(key, (counts.get(key) ?? 0) + count)
}

function sentCount(result: LoadResult): number {
  return result.answers + lost(result)
}

function lost({ failures }: LoadResult): number {
  return [...failures.values()].reduce((sum, count) => sum + count, 0)
}

function answersOf({ answersByStatus }: LoadResult): Record<string, number> {
  return Object.fromEntries(answersByStatus)
}

function countBy<T>(items: readonly T[], keyOf: (item: T) => string): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const item of items) counts[keyOf(item)] = (counts[keyOf(item)] ?? 0) + 1
  return counts
}

function gate(name: string, mistakes: readonly string[]): { name: string; limit: string; holds: boolean } {
  return { name, limit: mistakes.join(', ') || 'none', holds: mistakes.length === 0 }
}
