import { type LogOptions, type LogStatus, openLog, type RecordLog, type WalEvent } from '@fractal-lba/wal'
import { OutboxError } from './errors.js'
import { type OutboxEntry, OutboxIndex } from './outbox-index.js'
import {
  decodeRecord,
  type EntryHead,
  encodeRecord,
  type Head,
  type OutboxRecord,
  type SettlementHead,
} from './records.js'

/** Small, because an agent's disk is: it is written full of zeros before the first record. */
export const SEGMENT_BYTES_DEFAULT = 4 * 2 ** 20

export interface OutboxLogOptions {
  readonly files: NonNullable<LogOptions['files']>
  /** 4 MiB by default. */
  readonly segmentBytes?: number | undefined
  readonly onFatal: (error: Error) => void
  readonly onEvent: (event: WalEvent) => void
}

/** A record to append, with the bytes that follow its head. */
export interface NewOutboxRecord {
  readonly head: Head
  readonly content?: Uint8Array
}

/** A log of outbox records and the index that is derived from them. */
export class OutboxLog {
  readonly index: OutboxIndex
  readonly #log: RecordLog

  private constructor(log: RecordLog, index: OutboxIndex) {
    this.index = index
    this.#log = log
  }

  /**
   * Opens the log in that directory, or makes one, and derives the index from it.
   * @throws WalError, OutboxError `unsupported`
   */
  static async open(directory: string, options: OutboxLogOptions): Promise<OutboxLog> {
    const index = new OutboxIndex()
    const log = await openLog(directory, {
      segmentBytes: options.segmentBytes ?? SEGMENT_BYTES_DEFAULT,
      files: options.files,
      onFatal: options.onFatal,
      onEvent: options.onEvent,
      visit: (record) => index.apply(decodeRecord(record).head, record.sequence, record.bodyLength),
    })
    return new OutboxLog(log, index)
  }

  get status(): LogStatus {
    return this.#log.status()
  }

  /** Records in the log, whatever they are. */
  get sequence(): number {
    return this.#log.head().sequence
  }

  /** Appends the records together, and applies them to the index after their flush. */
  async write(records: readonly NewOutboxRecord[]): Promise<void> {
    const encoded = records.map(({ head, content }) => ({ head, record: encodeRecord(head, content) }))
    let position = await this.#log.append(encoded.map(({ record }) => record))
    for (const { head, record } of encoded) this.index.apply(head, position++, record.body.length)
  }

  /** The entry's record, with the bytes that are sent. @throws OutboxError `damaged` */
  async entry({ seq, position }: OutboxEntry): Promise<OutboxRecord & { readonly head: EntryHead }> {
    const record = await this.#at(position)
    if (record?.head.kind === 'entry' && record.head.seq === seq) return { ...record, head: record.head }
    throw unreadable(seq)
  }

  /** What settled the entry; undefined while it is pending. @throws OutboxError `damaged` */
  async answer(entry: OutboxEntry): Promise<{ head: SettlementHead; content: Buffer } | undefined> {
    if (entry.state === 'pending') return undefined
    const record = await this.#at(entry.answerPosition)
    if (record?.head.kind === entry.state && record.head.seq === entry.seq) {
      return { head: record.head, content: record.content }
    }
    throw unreadable(entry.seq)
  }

  /** Everything in order, each with its position. */
  async *read(): AsyncGenerator<OutboxRecord & { readonly position: number }> {
    for await (const batch of this.#log.read(1)) {
      for (const record of batch) yield { ...decodeRecord(record), position: record.sequence }
    }
  }

  /** False when its directory was removed, replaced or unmounted. */
  holdsDirectory(): Promise<boolean> {
    return this.#log.holdsDirectory()
  }

  close(): Promise<void> {
    return this.#log.close()
  }

  async #at(position: number): Promise<OutboxRecord | undefined> {
    const record = await this.#log.readOne(position)
    return record && decodeRecord(record)
  }
}

function unreadable(seq: number): OutboxError {
  return new OutboxError(
    'damaged',
    `the record with outbox_seq ${seq} cannot be read: the log was damaged after it was written; its source must be submitted again`,
  )
}
