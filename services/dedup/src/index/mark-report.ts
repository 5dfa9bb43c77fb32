import type { Logger } from '@fractal-lba/runtime'
import type { DedupMetrics } from '../metrics.js'
import type { MarkTally } from './apply-marks.js'
import type { WalLog } from './wal-log.js'

/** Counts what was found in marks, and logs what should not have happened. */
export function markReport(metrics: DedupMetrics, logger: Logger): (log: WalLog, tally: MarkTally) => void {
  return (log, { read, corrected, conflicts, unreadable }) => {
    metrics.marksRead.inc(read)
    metrics.corrections.inc(corrected)
    metrics.integrityConflicts.inc(conflicts.length + unreadable.length)
    if (corrected > 0) {
      logger.warn({ corrected, log: log.address }, 'the store differed from marks; the marks count')
    }
    if (conflicts.length > 0) {
      logger.error(
        { pcsIds: conflicts.slice(0, 10), count: conflicts.length, log: log.address },
        'marks contradict each other; the verdict that was judged first stays',
      )
    }
    if (unreadable.length > 0) {
      logger.error(
        { positions: unreadable.slice(0, 10), count: unreadable.length, log: log.address },
        'marks hold no verdict that could be indexed',
      )
    }
  }
}
