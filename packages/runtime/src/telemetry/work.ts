import type { CallContext } from '../rpc/call-context.js'
import { newSpanId, newTraceId, type SpanReference, traceparentOf } from './reference.js'
import type { Attributes, FinishedSpan, Tracer } from './tracer.js'

export type { Tracer } from './tracer.js'

// On the way of every record, sampled or not: objects are written out here, because spreads cost ten times as much.

/** What a step of a piece of work came to, when it is over. */
export interface Step {
  readonly name: string
  /** Undefined where nothing of it is to be recorded by others. */
  readonly spanId: string | undefined
  readonly attributes: Attributes
  readonly links: readonly SpanReference[]
  readonly startMs: number
  readonly endMs: number
  readonly error: unknown
  readonly answer: unknown
  /** What is to be told of its answer; asked only where the work is recorded. */
  readonly describe: ((answer: unknown) => Attributes) | undefined
}

export interface WorkBegin {
  readonly name: string
  readonly kind: FinishedSpan['kind']
  /** The span that it is a part of. */
  readonly parent?: SpanReference | undefined
  /** A span of another trace that has led to it: this is sampled where that is. */
  readonly link?: SpanReference | undefined
  readonly startMs: number
  /** The same object for all work of a kind, where that may be. */
  readonly attributes: Attributes
}

export interface WorkEnd {
  readonly endMs: number
  readonly failure: string | undefined
  /** It leaves a trace even where the head said no. */
  readonly isNotable: boolean
  /** Asked only where it is recorded. */
  readonly attributes: () => Attributes
}

/** More steps than a submission has, with those that were tried again. */
const STEPS_KEPT_MAX = 32
const NO_LINKS: readonly SpanReference[] = []
const NO_STEPS: Step[] = []

/**
 * A piece of work with a trace, such as one submission: a span, and one for each step, as calls of other services tell
 * them. Where it was not sampled its times are kept until its end, which may be worth a trace all the same; other
 * services have recorded nothing then. It is the context of the calls that are made for it.
 */
export class Work implements CallContext {
  readonly traceId: string
  readonly isSampled: boolean
  readonly tracestate: string
  readonly #tracer: Tracer
  readonly #begin: WorkBegin
  readonly #noted: Record<string, Attributes[string]> = {}
  #spanId = ''
  #kept = NO_STEPS
  #isRecorded: boolean | undefined
  #hasEnded = false

  constructor(tracer: Tracer, begin: WorkBegin) {
    const { parent, link } = begin
    this.#tracer = tracer
    this.#begin = begin
    this.traceId = parent?.traceId ?? newTraceId()
    this.isSampled = link ? link.isSampled : tracer.samples(this.traceId, parent)
    this.tracestate = parent?.tracestate ?? ''
    if (this.isSampled) this.#isRecorded = true
  }

  /** Of its own span where it is recorded; else what came. */
  get traceparent(): string {
    const { parent } = this.#begin
    return this.traceresponse ?? (parent ? traceparentOf(parent.traceId, parent.spanId, false) : '')
  }

  get spanId(): string {
    if (this.#spanId === '') this.#spanId = newSpanId()
    return this.#spanId
  }

  /** Its span; others may refer to it. */
  get reference(): SpanReference {
    const { traceId, spanId, tracestate, isRecorded } = this
    return { traceId, spanId, isSampled: isRecorded, tracestate }
  }

  /** Whether it has a trace; before its end, whether it has one already. */
  get isRecorded(): boolean {
    return this.#isRecorded === true
  }

  /** The header of an answer that names its trace; undefined where it has none. */
  get traceresponse(): string | undefined {
    return this.isRecorded ? traceparentOf(this.traceId, this.spanId, true) : undefined
  }

  /** A step is over. It may be later than the work itself, when an answer was not waited for. */
  step(step: Step): void {
    if (this.#isRecorded) {
      this.#recordStep(step)
    } else if (this.#isRecorded === undefined) {
      if (this.#kept === NO_STEPS) this.#kept = [step]
      else if (this.#kept.length < STEPS_KEPT_MAX) this.#kept.push(step)
    }
  }

  /** Only its first end counts. */
  end({ endMs, attributes, failure, isNotable }: WorkEnd): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.#isRecorded ??= isNotable && this.#tracer.keepsFailures
    const kept = this.#kept
    this.#kept = NO_STEPS
    if (!this.#isRecorded) return
    for (const step of kept) this.#recordStep(step)
    const { name, kind, parent, link, startMs, attributes: first } = this.#begin
    const { traceId, spanId } = this
    this.#tracer.record({
      name,
      kind,
      traceId,
      spanId,
      parent,
      startMs,
      endMs,
      attributes: Object.assign(this.#noted, first, attributes()),
      links: link?.isSampled ? [link] : NO_LINKS,
      failure,
    })
  }

  #recordStep({ name, attributes, links, startMs, endMs, error, answer, describe, spanId }: Step): void {
    const noted = describe && answer !== undefined ? describe(answer) : undefined
    if (noted && !this.#hasEnded) Object.assign(this.#noted, noted)
    this.#tracer.record({
      name,
      kind: 'client',
      traceId: this.traceId,
      spanId: spanId ?? newSpanId(),
      parent: this.reference,
      startMs,
      endMs,
      attributes: noted ? Object.assign(noted, attributes) : attributes,
      links,
      failure: failureOf(error),
    })
  }
}

/** A sentence for the status of a span. */
export function failureOf(error: unknown): string | undefined {
  if (error === undefined) return undefined
  return error instanceof Error ? error.message : String(error)
}
