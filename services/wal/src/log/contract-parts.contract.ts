import { record, type wal } from '@fractal-lba/proto'

/** The clocks of a log under test, turned by hand. */
export interface TurnedClocks {
  wall: number
  monotonic: number
}

export const NOON_MS = 1_800_000_000_000

export const submission = (text: string, liveMs = 0): wal.AppendItem => ({
  body: Buffer.from(text),
  encoding: record.Encoding.ENCODING_JSON,
  liveMs,
  arrivedAtMs: 0,
})
