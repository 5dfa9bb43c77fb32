import { monotonicMs, type ProcessContext } from '@fractal-lba/runtime'
import type { WalConfig } from '../config.js'
import type { OpenedLog } from '../opened-log.js'
import { MemoryBackend } from './memory-backend.js'
import { memoryLog } from './memory-log.js'

/** Where WAL_BYTES_MAX sets no limit. */
const BYTES_MAX = 256 * 2 ** 20

/** A log that nothing survives: for tests whose subject is not the disk. */
export async function openMemoryLog(
  config: WalConfig,
  { logger, clock }: ProcessContext,
): Promise<OpenedLog> {
  logger.warn('the log is kept in memory: nothing of it survives this process')
  const backend = new MemoryBackend({ bytesMax: config.bytesMax || BYTES_MAX })
  const log = memoryLog(backend, config, { wallMs: clock.nowMs, monotonicMs })
  return { log, close: () => log.close() }
}
