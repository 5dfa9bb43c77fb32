import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inspectPinned, pinLog } from '@fractal-lba/log-tools'
import { localGrpcAddress } from '@fractal-lba/runtime'
import { goProgram, loadPrograms } from '@fractal-lba/test-servers'
import type { RunContext } from '../run/accounted.js'
import { runChild } from '../run/child.js'
import { type Gate, type Generated, LoadFailure, type Part } from '../run/generated.js'
import type { Target } from '../run/target.js'
import { type CallContext, type GhzCall, ghzCalls } from './calls.js'
import { freshRecords } from './messages.js'

/** What `ghz --format json` writes, as far as it is read here; times are nanoseconds. */
interface GhzReport {
  readonly count: number
  readonly total: number
  readonly slowest: number
  readonly rps: number
  readonly statusCodeDistribution: Readonly<Record<string, number>> | null
  readonly latencyDistribution: readonly { readonly percentage: number; readonly latency: number }[] | null
}

interface GhzConfig {
  readonly rps: number
  readonly total: number
}

const SECONDS = 10
const NS_PER_MS = 1e6
const SHOWN_LINES = 10

/** Builds ghz where it is not yet. @throws LoadFailure with what to install. */
export async function ghzProgram(): Promise<string> {
  const found = await goProgram(loadPrograms.ghz)
  if ('path' in found) return found.path
  throw new LoadFailure(
    `${found.missing}: install Go 1.24 or newer, or run load/ghz/*.json with a ghz of your own`,
  )
}

/** Each RPC after the other. Of a product that was not started here only those of the gateway: the others would change it. */
export async function runGhz(ghz: string, context: RunContext): Promise<Generated> {
  const { target } = context
  const directory = join(context.reportDir, 'ghz')
  await mkdir(directory, { recursive: true })
  const calls = ghzCalls.filter(({ service }) => service === 'gateway' || target.own)
  const callContext = contextOf(target)
  const found: (GhzOutcome & { readonly call: GhzCall })[] = []
  for (const call of calls) {
    context.signal.throwIfAborted()
    const outcome = await load(ghz, call, callContext, directory, context)
    const { part, codes } = outcome
    context.say(
      `${call.name}: ${part.perSecond.toFixed(0)}/s, p50 ${part.p50Ms.toFixed(1)}, p99 ${part.p99Ms.toFixed(1)} ms, ${codesText(codes)}`,
    )
    found.push({ ...outcome, call })
  }
  return generatedOf(found)
}

interface GhzOutcome {
  readonly part: Part
  readonly codes: Readonly<Record<string, number>>
  readonly maxMs: number
  readonly elapsedMs: number
}

async function load(
  ghz: string,
  call: GhzCall,
  callContext: CallContext,
  directory: string,
  context: RunContext,
): Promise<GhzOutcome> {
  const { root, target } = context
  const config = join(root, 'load', 'ghz', `${call.name}.json`)
  const { rps, total } = JSON.parse(await readFile(config, 'utf8')) as GhzConfig
  const perSecond = Math.max(1, Math.round(rps * context.scale))
  const seconds = context.seconds ?? SECONDS
  const calls = total === 1 ? 1 : Math.max(1, Math.round(perSecond * seconds))
  const messages = await call.messages(callContext, calls)
  const data = join(directory, `${call.name}.json`)
  await writeFile(data, JSON.stringify(messages))
  const count = call.effect?.once && total > 1 ? messages.length : calls
  const { code, output } = await runChild(
    ghz,
    [
      ...['--config', config, '--rps', `${perSecond}`, '--total', `${count}`, '--data-file', data],
      ...['--format', 'json', addressOf(call, target)],
    ],
    { cwd: root, env: process.env, signal: context.signal, onStart: context.onStart },
  )
  const report = code === 0 ? reportIn(output) : undefined
  if (!report) {
    throw new LoadFailure(
      `ghz ${call.name} ended with exit code ${code}:\n${output.trim().split('\n').slice(-SHOWN_LINES).join('\n')}`,
    )
  }
  await writeFile(join(directory, `${call.name}-report.json`), output)
  return outcomeOf(call, perSecond, report)
}

function reportIn(output: string): GhzReport | undefined {
  try {
    return JSON.parse(output) as GhzReport
  } catch {
    return undefined
  }
}

export function outcomeOf({ name }: Pick<GhzCall, 'name'>, asked: number, report: GhzReport): GhzOutcome {
  const codes = report.statusCodeDistribution ?? {}
  const at = (percentage: number): number =>
    (report.latencyDistribution?.find((found) => found.percentage === percentage)?.latency ?? Number.NaN) /
    NS_PER_MS
  const { count, rps } = report
  const part = {
    ...{ name, asked, count, perSecond: rps, failed: count - (codes.OK ?? 0) },
    ...{ p50Ms: at(50), p95Ms: at(95), p99Ms: at(99) },
  }
  return { part, codes, maxMs: report.slowest / NS_PER_MS, elapsedMs: report.total / NS_PER_MS }
}

function addressOf({ service }: GhzCall, target: Target): string {
  if (service === 'gateway' || !target.own) return target.grpcAddress
  return localGrpcAddress(service, target.own.port)
}

function contextOf(target: Target): CallContext {
  return {
    fresh: (count) => freshRecords(count, target.hmacKey),
    submitted: [],
    async open() {
      const pinned = await pinLog(target.own?.walDir ?? '')
      try {
        const { logId, open } = await inspectPinned(pinned)
        return { logId, sequences: open.map(({ sequence }) => sequence) }
      } finally {
        await pinned.close()
      }
    },
  }
}

function generatedOf(found: readonly (GhzOutcome & { readonly call: GhzCall })[]): Generated {
  const sum = (of: (outcome: (typeof found)[number]) => number): number =>
    found.reduce((total, outcome) => total + of(outcome), 0)
  const submitted = sum(({ call, part }) => (call.effect?.submits ?? 0) * (part.count - part.failed))
  const submit = found.find(({ call }) => call.name === 'submit')
  const { p50Ms = Number.NaN, p95Ms = Number.NaN, p99Ms = Number.NaN } = submit?.part ?? {}
  return {
    tool: `ghz ${loadPrograms.ghz.version}`,
    sent: {
      ...{ kinds: { new: submitted }, answers: { 200: submitted }, unanswered: 0 },
      appendedDirectly: sum(({ call, part }) => (call.effect?.appends ?? 0) * (part.count - part.failed)),
    },
    elapsedMs: sum(({ elapsedMs }) => elapsedMs),
    latency: { p50Ms, p95Ms, p99Ms, maxMs: submit?.maxMs ?? Number.NaN },
    shares: {},
    gates: found.map(
      ({ part, codes }): Gate => ({
        ...{ name: part.name, limit: `every call OK: ${codesText(codes)}`, holds: part.failed === 0 },
      }),
    ),
    seen: [],
    parts: found.map(({ part }) => part),
  }
}

function codesText(codes: Readonly<Record<string, number>>): string {
  return Object.entries(codes)
    .map(([code, count]) => `${count} ${code}`)
    .join(', ')
}
