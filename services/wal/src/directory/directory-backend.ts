import { unavailable } from '@fractal-lba/runtime'
import { type CompactableLog, WalError } from '@fractal-lba/wal'
import type { LogBackend, RecordToAppend, StoredRecord } from '../log/log-backend.js'
import type { LogSpace } from '../log/submission-log.js'

/** Read at once: a few milliseconds of work, for which those who append and mark have to wait. */
const READ_BYTES = 128 * 2 ** 10

/** What guards a log's appends beside the log itself. */
export interface Guard {
  /** Why no submissions may be taken, that of the files among it; undefined while they may. */
  readonly refusal: string | undefined
  readonly space: LogSpace
}

/** The files of a log directory, as the rules of a log need them. */
export class DirectoryBackend implements LogBackend {
  readonly #log: CompactableLog
  readonly #onAppended: () => void
  #guard: Guard | undefined

  /** @param onAppended called after each append, before its caller goes on. */
  constructor(log: CompactableLog, onAppended: () => void) {
    this.#log = log
    this.#onAppended = onAppended
  }

  guardBy(guard: Guard): void {
    this.#guard = guard
  }

  get logId(): string {
    return this.#log.logId
  }

  async append(records: readonly RecordToAppend[]): Promise<number> {
    try {
      const first = await this.#log.append(records)
      this.#onAppended()
      return first
    } catch (error) {
      throw unavailableIfWalError(error)
    }
  }

  read(fromSequence: number, types: ReadonlySet<number>): AsyncIterable<readonly StoredRecord[]> {
    return this.#log.read(fromSequence, { batchBytesMax: READ_BYTES, types })
  }

  readOne(sequence: number): Promise<StoredRecord | undefined> {
    return this.#log.readOne(sequence)
  }

  head(): { readonly sequence: number; readonly chain: string } {
    return this.#log.head()
  }

  get refusal(): string | undefined {
    return this.#guard ? this.#guard.refusal : this.ownRefusal
  }

  /** Without the guard: why the files take no appends. */
  get ownRefusal(): string | undefined {
    const { writable, reason } = this.#log.status()
    return writable ? undefined : (reason ?? 'the log takes no appends')
  }

  /** File names of the quarantined segments. */
  get damaged(): readonly string[] {
    return this.#log.status().quarantined
  }

  /** Without what is preallocated. */
  get sizeBytes(): number {
    return this.#log.segments().reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  }

  get space(): LogSpace | undefined {
    return this.#guard?.space
  }

  close(): Promise<void> {
    return this.#log.close()
  }
}

/** What the log refuses may be tried again later; anything else is a mistake of this program. */
export function unavailableIfWalError(error: unknown): unknown {
  return error instanceof WalError ? unavailable(error.message, error) : error
}
