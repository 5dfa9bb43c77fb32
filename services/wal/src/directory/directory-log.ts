import { monotonicMs, StartError } from '@fractal-lba/runtime'
import { type CompactableLog, type LogOptions, openLog, WalError } from '@fractal-lba/wal'
import { BackedLog, type LogClocks, type SubmissionLogLimits } from '../log/backed-log.js'
import { LogState } from '../log/log-state.js'
import { briefOf } from '../log/records.js'
import { type CompactionOptions, type CompactionReport, compactLog } from './compaction-pass.js'
import { DirectoryBackend, type Guard, unavailableIfWalError } from './directory-backend.js'
import { RetentionState } from './retention-state.js'
import { UnreadSegments } from './unread-segments.js'

export interface DirectoryLogOptions extends SubmissionLogLimits {
  readonly directory: string
  /** The clock of stamps, and the one of leases. */
  readonly clocks?: LogClocks
  /** What the age of records is judged by. */
  readonly trustedMs?: () => number
}

/** Of the log itself; what is read back is the log's own matter. */
export type FileOptions = Omit<LogOptions, 'visit'>

interface OpenedFiles {
  readonly log: CompactableLog
  readonly state: LogState
  readonly retention: RetentionState
  readonly unread: UnreadSegments
  /** Takes note of segments that were begun. */
  readonly followSegments: () => void
}

/** A log of submissions in a directory, which can be compacted. */
export class DirectoryLog extends BackedLog {
  readonly #files: OpenedFiles
  readonly #backend: DirectoryBackend

  private constructor(
    files: OpenedFiles,
    backend: DirectoryBackend,
    limits: SubmissionLogLimits,
    clocks: LogClocks,
  ) {
    super(backend, files.state, limits, clocks)
    this.#files = files
    this.#backend = backend
  }

  /** @throws StartError where a person must act first */
  static async open(options: DirectoryLogOptions, fileOptions: FileOptions): Promise<DirectoryLog> {
    const { clocks = { wallMs: Date.now, monotonicMs }, trustedMs = Date.now } = options
    const leasedUntilMs = clocks.monotonicMs() + options.liveLeaseMs
    const files = await openFiles(options.directory, fileOptions, trustedMs, leasedUntilMs)
    return new DirectoryLog(files, new DirectoryBackend(files.log, files.followSegments), options, clocks)
  }

  get sizeBytes(): number {
    return this.#backend.sizeBytes
  }

  /** Why the files take no appends, whatever the guard says; undefined while they do. */
  get ownRefusal(): string | undefined {
    return this.#backend.ownRefusal
  }

  /** Submissions are refused while the guard says so. */
  guardBy(guard: Guard): void {
    this.#backend.guardBy(guard)
  }

  /** Makes the log smaller as far as retention allows; not two at a time. @throws AppError unavailable */
  async compact(options: CompactionOptions): Promise<CompactionReport> {
    const { log, state, retention, followSegments } = this.#files
    followSegments()
    try {
      return await compactLog({ log, state, retention, repeatLasting: () => this.repeatLasting() }, options)
    } catch (error) {
      throw unavailableIfWalError(error)
    }
  }

  /** Reads what the opening has not read, beside the work. */
  readUnread(signal: AbortSignal): Promise<void> {
    const { log, unread } = this.#files
    return unread.read(log, signal)
  }

  /** False when the directory that is written is not the one under its name any more. */
  holdsDirectory(): Promise<boolean> {
    return this.#files.log.holdsDirectory()
  }
}

/** Opens the files, and takes what they say in the same pass. */
async function openFiles(
  directory: string,
  options: FileOptions,
  trustedMs: () => number,
  leasedUntilMs: number,
): Promise<OpenedFiles> {
  const retention = new RetentionState(trustedMs)
  const state = new LogState(retention)
  let segment: string | undefined
  const unread = new UnreadSegments()
  let segmentBegun = false
  try {
    const log = await openLog(directory, {
      brief: briefOf,
      ...options,
      visit(record, location) {
        if (location.segment !== segment) retention.beginSegment(record.sequence)
        segment = location.segment
        state.recover(record, leasedUntilMs)
        retention.recovered(record)
      },
      onEvent(event) {
        if (event.type === 'segment_created') segmentBegun = true
        unread.note(event)
        options.onEvent?.(event)
      },
    })
    // Segments are few, records many: looked at only when one was begun.
    const followSegments = (): void => {
      if (!segmentBegun) return
      segmentBegun = false
      retention.follow(log.segments())
    }
    return { log, state, retention, unread, followSegments }
  } catch (error) {
    throw startErrorOf(error, directory)
  }
}

/** Held by another process, written by a newer version, no directory: a person must act, and the sentence says how. */
function startErrorOf(error: unknown, directory: string): unknown {
  if (error instanceof WalError) return new StartError(error.message, { cause: error })
  if (!isUnusable(error)) return error
  const sentence = `the log cannot be kept in ${directory}: set WAL_DIR to a directory that can be written`
  return new StartError(`${sentence} (${error.message})`, { cause: error })
}

/** The directory is none, or may not be written: no fault of the disk, and no start mends it by itself. */
function isUnusable(error: unknown): error is Error {
  if (!(error instanceof Error) || !('code' in error)) return false
  // ENOENT: nothing can be made in the directory above, though that is there, as in /proc.
  const codes = ['EEXIST', 'ENOTDIR', 'ENOENT', 'ENAMETOOLONG', 'ELOOP', 'EACCES', 'EPERM', 'EROFS']
  return codes.includes(String(error.code))
}
