import type { Sent } from './account.js'

/** What must hold, and whether it did. */
export interface Gate {
  readonly name: string
  readonly limit: string
  readonly holds: boolean
}

/** What one generator saw. */
export interface Generated {
  /** "k6 v1.8.1" */
  readonly tool: string
  readonly sent: Sent
  readonly elapsedMs: number
  /** As the generator measured them; of users from sending, of arrivals from the moment that was due. */
  readonly latency: Latency
  /** Shares of 0 to 1, by name. */
  readonly shares: Readonly<Record<string, number>>
  readonly gates: readonly Gate[]
  /** The latency over time, as the generator saw it. */
  readonly seen: readonly SeenSecond[]
  /** What the run consists of, where it is more than one thing. */
  readonly parts: readonly Part[]
}

export interface Latency {
  readonly p50Ms: number
  readonly p95Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}

export interface SeenSecond extends Omit<Latency, 'maxMs'> {
  readonly second: number
}

/** One step of rates, or one RPC. */
export interface Part extends Omit<Latency, 'maxMs'> {
  readonly name: string
  readonly asked: number
  readonly perSecond: number
  readonly count: number
  readonly failed: number
  /** Of all processes of the product, without what they take when idle, where it was started here. */
  readonly cpuUs?: number
}

export interface GeneratorContext {
  readonly baseUrl: string
  readonly hmacKey: string
  readonly seconds: number | undefined
  readonly scale: number
  /** CPU time of the product so far, where it was started here. */
  readonly productCpuMs: () => number | undefined
  /** Where it may leave files. */
  readonly reportDir: string
  readonly signal: AbortSignal
  readonly say: (line: string) => void
}

/** A run came to no figures; the message says why. */
export class LoadFailure extends Error {
  override readonly name = 'LoadFailure'
}
