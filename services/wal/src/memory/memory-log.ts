import { BackedLog, type LogClocks, type SubmissionLogLimits } from '../log/backed-log.js'
import { LogState } from '../log/log-state.js'
import type { SubmissionLog } from '../log/submission-log.js'
import type { MemoryBackend } from './memory-backend.js'

/** A log of submissions over what that backend has in memory. */
export function memoryLog(
  backend: MemoryBackend,
  limits: SubmissionLogLimits,
  clocks: LogClocks,
): SubmissionLog {
  const state = new LogState()
  const leasedUntilMs = clocks.monotonicMs() + limits.liveLeaseMs
  for (const record of backend.recovered()) state.recover(record, leasedUntilMs)
  return new BackedLog(backend, state, limits, clocks)
}
