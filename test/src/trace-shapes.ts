import { expect } from 'vitest'
import type { Answer } from './client.js'
import type { Trace } from './collector.js'

type Step = 'append' | 'verify' | 'judge' | 'putIfAbsent' | 'lookup' | 'markDone'

const SERVICES: Readonly<Record<Step, readonly [short: string, process: string]>> = {
  append: ['wal', 'wal'],
  verify: ['verifier', 'verifier'],
  judge: ['scoring', 'signal-scoring'],
  putIfAbsent: ['dedup', 'dedup'],
  lookup: ['dedup', 'dedup'],
  markDone: ['wal', 'wal'],
}

export const WHOLE_WAY: readonly Step[] = ['append', 'verify', 'judge', 'putIfAbsent', 'markDone']
/** Of a record that is verified and not judged: a refused one. */
export const REFUSED_WAY: readonly Step[] = ['append', 'verify', 'markDone']
/** Of one that is sent again while scoring is down. */
export const LOOKED_UP_WAY: readonly Step[] = ['append', 'verify', 'judge', 'lookup', 'markDone']

/** Spans of a trace whose record took these steps. */
export function spanCount(steps: readonly Step[]): number {
  return 1 + 2 * steps.length
}

/**
 * Edge by edge: the record's own span, one below it for each step, and the service's below that.
 * @param above what the record's span hangs on: nothing, or a span of somebody else
 */
export function edgesOf(
  steps: readonly Step[],
  { above = 'root', root = 'pcs.submit' }: { above?: 'root' | 'outside'; root?: string } = {},
): readonly string[] {
  const edges = steps.flatMap((step) => {
    const [short, process] = SERVICES[step]
    const name = `${short}.${step}`
    return [`gateway ${root} > gateway ${name}`, `gateway ${name} > ${process} ${name}`]
  })
  return [`${above} > gateway ${root}`, ...edges].sort()
}

/** Who comes after whom, and what lies within what, by the clocks of one machine. */
export function expectOrder(trace: Trace): void {
  const root = trace.spans.find(({ name }) => name === 'pcs.submit')
  const at = (name: string) => trace.spans.find((span) => span.name === name && span.kind === 'client')
  const [verify, judge, put, mark, append] = [
    at('verifier.verify'),
    at('scoring.judge'),
    at('dedup.putIfAbsent'),
    at('wal.markDone'),
    at('wal.append'),
  ]
  if (!root || !verify || !judge || !put || !mark || !append) throw new Error('a step is missing')
  expect(judge.startMs).toBeGreaterThanOrEqual(verify.startMs)
  expect(put.startMs).toBeGreaterThanOrEqual(judge.startMs)
  expect(put.startMs).toBeGreaterThanOrEqual(append.startMs)
  expect(mark.startMs).toBeGreaterThanOrEqual(put.startMs)
  // Both began at once: the verifier does not wait for the disk.
  expect(verify.startMs).toBeLessThanOrEqual(append.endMs)
  for (const span of [verify, judge, put, mark, append]) {
    expect(span.startMs).toBeGreaterThanOrEqual(root.startMs)
    expect(span.endMs).toBeLessThanOrEqual(root.endMs)
  }
}

/** The trace that an answer names. */
export function traceIdOf({ headers }: Answer): string {
  const named = headers.traceresponse
  const id = typeof named === 'string' ? /^00-([0-9a-f]{32})-[0-9a-f]{16}-01$/.exec(named)?.[1] : undefined
  if (id === undefined) throw new Error(`the answer names no trace: ${String(named)}`)
  return id
}
