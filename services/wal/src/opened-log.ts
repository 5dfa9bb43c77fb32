import type { wal } from '@fractal-lba/proto'
import type { ProcessContext } from '@fractal-lba/runtime'
import type { WalConfig } from './config.js'
import type { SubmissionLog } from './log/submission-log.js'

/** What makes a log smaller while it runs. */
export interface Compaction {
  /** How far the one under way has come, 0 to 1; undefined while there is none. */
  readonly share: number | undefined
  /** @throws AppError unavailable while another one is under way. */
  run(dryRun: boolean): Promise<wal.CompactResponse>
}

/** A log that is served, with what belongs to it. */
export interface OpenedLog {
  readonly log: SubmissionLog
  /** Absent where the log cannot be made smaller. */
  readonly compaction?: Compaction
  /** Ends what looks after the log, then closes it. */
  close(): Promise<void>
}

/** Opens one kind of log; openDirectoryLog is the one that keeps what it promises over a restart. */
export type OpenLog = (config: WalConfig, context: ProcessContext) => Promise<OpenedLog>
