import { clockText, readClockText } from '@fractal-lba/clock'
import type { Metadata } from '@grpc/grpc-js'
import type { ClockExchange } from '../clock/process-clock.js'

/** Of a call and of its answer: the clock of the process that sends it. */
const KEY = 'flk-clock'

export function withClock(metadata: Metadata, clock: ClockExchange | undefined): Metadata {
  if (clock) metadata.set(KEY, clockText(clock.reading()))
  return metadata
}

/** @param sentMs @param receivedMs monotonic; the other's clock was read between them */
export function noteClock(
  clock: ClockExchange,
  metadata: Metadata,
  sentMs: number,
  receivedMs: number,
): void {
  const reading = readClockText(metadata.get(KEY)[0])
  if (reading) clock.notePeer(reading, sentMs, receivedMs)
}
