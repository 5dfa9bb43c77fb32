import type { Logger } from '@fractal-lba/runtime'
import type { WalEvent } from '@fractal-lba/wal'
import type { LogMetrics } from '../metrics.js'

/** Counts what the log reports, and writes down what a person must know. */
export function reportEvents(metrics: LogMetrics, logger: Logger): (event: WalEvent) => void {
  return (event) => {
    switch (event.type) {
      case 'flushed':
        metrics.fsyncSeconds.observe(event.seconds)
        metrics.groupRecords.observe(event.records)
        return
      case 'torn_tail':
        metrics.tornTails.inc()
        logger.warn(event, 'a torn tail was set aside and cut off; nothing acknowledged was in it')
        return
      case 'quarantined':
        metrics.quarantinedSegments.inc()
        logger.error(event, 'a segment is damaged and was quarantined; what is intact in it is still read')
        return
      case 'damage_read':
        logger.error(
          event,
          'damage in a segment that was intact at the start; its damaged records were left out',
        )
        return
      case 'check_failed':
        logger.warn(event, 'the thread that checks frames ahead has failed; the log is opened without it')
        return
      case 'checkpoint_failed':
        logger.warn(event, 'the checkpoint of a segment cannot be written; the next start reads the segment')
        return
      case 'out_of_space':
        logger.error(event, 'no room for the next segment; tried again until there is')
        return
      case 'space_available':
        logger.info('there is room for the next segment again')
        return
      default:
        logger.debug(event, 'log')
    }
  }
}
