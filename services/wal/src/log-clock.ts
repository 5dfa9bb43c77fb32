import type { Logger, ProcessClock } from '@fractal-lba/runtime'
import type { SubmissionLog } from './log/submission-log.js'

const LOOK_EVERY_MS = 1_000

/** What the log and the clock of its process tell each other. */
export interface LogClock {
  /** An operator says that the wall clock is right. Resolves when the log says so. @throws AppError */
  confirm(operatorClockMs: number): Promise<void>
}

/**
 * Lets the clock know its log: its last stamp, and whether a long rest of it is confirmed. Lets the log know its clock:
 * that it was far ahead at the opening, that somebody has confirmed it, and that it has gone on while nothing was written.
 */
export async function watchLogClock(
  log: SubmissionLog,
  clock: ProcessClock,
  { limitMs, logger, stopping }: { limitMs: number; logger: Logger; stopping: AbortSignal },
): Promise<LogClock> {
  const note = (): void => {
    const nowMs = clock.monotonicMs()
    const { stampMs, clockUnconfirmed } = log.clock()
    const reading = { logId: log.logId, nowMs: stampMs, unconfirmed: clockUnconfirmed }
    clock.noteLog('', reading, nowMs, nowMs)
  }
  const write = async (kind: Parameters<SubmissionLog['noteClock']>[0]): Promise<void> => {
    try {
      await log.noteClock(kind)
    } catch (error) {
      // Without room nothing else is written either; it is tried again.
      logger.warn({ err: error, kind }, 'the log could not take note of its clock')
    }
  }

  if (log.clock().restedMs > limitMs) await write('unconfirmed')
  note()
  let writing = false
  const look = async (): Promise<void> => {
    const { stampMs, lastStampMs, clockUnconfirmed } = log.clock()
    if (clockUnconfirmed && clock.isTrusted) await write('confirmed')
    else if (lastStampMs > 0 && stampMs - lastStampMs > limitMs / 2) await write('running')
    note()
  }
  const timer = setInterval(() => {
    if (writing) return
    writing = true
    look().finally(() => {
      writing = false
    })
  }, LOOK_EVERY_MS)
  timer.unref()
  stopping.addEventListener('abort', () => clearInterval(timer), { once: true })

  return {
    async confirm(operatorClockMs) {
      clock.confirm(operatorClockMs)
      await log.confirmClock()
      note()
    },
  }
}
