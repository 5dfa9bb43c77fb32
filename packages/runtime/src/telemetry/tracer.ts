import type { SpanReference } from './reference.js'

export type Attributes = Readonly<Record<string, string | number | boolean>>

/** A span that is over: spans are made of measured times, when all of them are known. */
export interface FinishedSpan {
  readonly name: string
  readonly kind: 'internal' | 'server' | 'client'
  readonly traceId: string
  readonly spanId: string
  readonly parent: SpanReference | undefined
  /** Both on the monotonic clock. */
  readonly startMs: number
  readonly endMs: number
  readonly attributes: Attributes
  readonly links: readonly SpanReference[]
  /** Why it failed, a sentence; undefined where it did not. */
  readonly failure: string | undefined
}

/** Where the spans of one service go. Nothing of it waits or throws. */
export interface Tracer {
  /** Whether the spans of a new piece of work are recorded, as the sampler says that was configured. */
  samples(traceId: string, parent: SpanReference | undefined): boolean
  /** Whether work that went wrong leaves a trace although it was not sampled. */
  readonly keepsFailures: boolean
  /** Takes a span, or drops and counts it. */
  record(span: FinishedSpan): void
}

/** The most links that a span has: the SDK would drop the first ones of more. */
export const LINKS_MAX = 128
