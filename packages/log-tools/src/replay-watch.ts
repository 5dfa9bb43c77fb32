import { setTimeout as sleep } from 'node:timers/promises'
import type { WalService } from './wal-service.js'

/** What became of a submission that was driven again. */
export interface Replayed {
  readonly sequence: number
  /** The status of its mark. */
  readonly status: number
}

/** It failed again, and was set aside again. */
export interface SetAsideAgain {
  readonly sequence: number
  readonly reason: string
}

export interface ReplayResult {
  readonly replayed: readonly Replayed[]
  readonly setAsideAgain: readonly SetAsideAgain[]
  /** Still open when the time was over. */
  readonly stillOpen: readonly number[]
}

const LOOK_MS = 250

/**
 * Waits until each of the submissions is done, or set aside again.
 * @param fromSequence where their marks can begin
 * @param onEnd called for each that came to an end
 */
export async function watchReplay(
  service: WalService,
  driven: readonly number[],
  { fromSequence, timeoutMs, onEnd }: { fromSequence: number; timeoutMs: number; onEnd: () => void },
): Promise<ReplayResult> {
  const open = new Set(driven)
  const replayed: Replayed[] = []
  const setAsideAgain: SetAsideAgain[] = []
  const endMs = performance.now() + timeoutMs
  for (let from = fromSequence; ; ) {
    for await (const { marks, nextSequence } of service.marks(from)) {
      for (const { mark } of marks) {
        if (mark === undefined || !open.delete(mark.sequence)) continue
        replayed.push({ sequence: mark.sequence, status: mark.status })
        onEnd()
      }
      from = Math.max(from, nextSequence)
    }
    for await (const page of open.size > 0 ? service.deadLetters() : []) {
      for (const { deadLetter } of page) {
        if (deadLetter === undefined || !open.delete(deadLetter.sequence)) continue
        setAsideAgain.push({ sequence: deadLetter.sequence, reason: deadLetter.reason })
        onEnd()
      }
    }
    if (open.size === 0 || performance.now() >= endMs) break
    await sleep(LOOK_MS)
  }
  return { replayed, setAsideAgain, stillOpen: [...open] }
}

/**
 * Waits until nothing is open.
 * @param onCount called with the number of open submissions, at each look
 * @returns whether it came to that in time
 */
export async function watchOpen(
  service: WalService,
  { timeoutMs, onCount }: { timeoutMs: number; onCount: (openCount: number) => void },
): Promise<boolean> {
  const endMs = performance.now() + timeoutMs
  for (;;) {
    const { openCount } = await service.state()
    onCount(openCount)
    if (openCount === 0) return true
    if (performance.now() >= endMs) return false
    await sleep(LOOK_MS)
  }
}
