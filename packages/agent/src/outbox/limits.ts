import type { Env } from '@fractal-lba/runtime/env'

export interface OutboxLimits {
  readonly entriesMax: number
  readonly bytesMax: number
}

/** `OUTBOX_ENTRIES_MAX` and `OUTBOX_BYTES_MAX`. */
export function readOutboxLimits(env: Env): OutboxLimits {
  return {
    entriesMax: env.integer('OUTBOX_ENTRIES_MAX', 100_000, { min: 1, max: 10_000_000 }),
    bytesMax: env.sizeBytes('OUTBOX_BYTES_MAX', 256 * 2 ** 20, { min: 2 ** 16, max: 2 ** 40 }),
  }
}
