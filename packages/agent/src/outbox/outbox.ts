import { join } from 'node:path'
import { fingerprint, hasMatchingId, parseRecord } from '@fractal-lba/pcs'
import type { DirectoryLock, LogStatus, WalEvent } from '@fractal-lba/wal'
import { type CompactionChoice, type CompactionReport, chooseKept, copyKept } from './compaction.js'
import { currentLog, pointTo, settleCurrentLog, successorOf } from './current.js'
import { CurrentLogLock } from './current-log-lock.js'
import { OutboxError } from './errors.js'
import { type OutboxOptions, type OutboxSettings, settingsOf } from './options.js'
import type { Counts, EntryState, OutboxEntry } from './outbox-index.js'
import { OutboxLog } from './outbox-log.js'
import type { SettledKind } from './records.js'
import { Reports } from './reports.js'
import { SelfCompaction } from './self-compaction.js'
import { withOutboxSeq } from './sequence-text.js'

/** What became of a record that was handed to the outbox. */
export interface Added {
  readonly seq: number
  readonly pcsId: string
  /** The outbox held a record under this id before: nothing was added. */
  readonly known: boolean
  /** Whether that one is the same by its fingerprint. */
  readonly same: boolean
}

/** The answer that settles a record. */
export interface Settlement {
  readonly kind: SettledKind
  readonly status: number
  readonly replayed: boolean
  readonly attempts: number
  /** The body of the answer. */
  readonly body: Uint8Array
}

/** The longest record that a gateway takes (the contract, section 4). With less room than that the outbox is full. */
const RECORD_BYTES_LONGEST = 65_536

/**
 * Keeps each record from before it is sent until its verdict is on the disk. A record that `add` has taken survives
 * a crash of the process and of the machine. A record that was sent, but whose answer is not on the disk, is pending
 * again after a crash; the gateway answers its second copy with the stored verdict.
 */
export class Outbox {
  readonly #directory: string
  readonly #settings: OutboxSettings
  readonly #lock: DirectoryLock
  readonly #currentLogLock = new CurrentLogLock()
  readonly #adding = new Map<string, Promise<Added>>()
  readonly #settling = new Set<number>()
  readonly #selfCompaction: SelfCompaction
  #log: OutboxLog
  #logName: string
  readonly #reports: Reports
  #nextSeq: number
  readonly #reserved = { entries: 0, bytes: 0 }
  #closing: Promise<void> | undefined
  /** Called with each entry that becomes pending. */
  onPending: (entry: OutboxEntry) => void = () => undefined

  private constructor(
    directory: string,
    settings: OutboxSettings,
    opened: { lock: DirectoryLock; log: OutboxLog; logName: string; reports: Reports },
  ) {
    this.#directory = directory
    this.#settings = settings
    this.#lock = opened.lock
    this.#log = opened.log
    this.#logName = opened.logName
    this.#reports = opened.reports
    this.#nextSeq = firstFreeSeq(opened.log)
    this.#selfCompaction = new SelfCompaction(settings, (choice) => this.compact(choice))
  }

  /**
   * Opens the outbox in that directory, or makes one. One process has it at a time.
   * @throws WalError `locked` among others, OutboxError `damaged` or `unsupported`
   */
  static async open(directory: string, options: OutboxOptions): Promise<Outbox> {
    const settings = settingsOf(options)
    await settings.files.makeDirectory(directory)
    const lock = await settings.files.lock(directory)
    try {
      const logName = await settleCurrentLog(settings.files, directory)
      const log = await openLogIn(join(directory, logName), settings)
      try {
        const reports = await Reports.open(directory, settings, log)
        return new Outbox(directory, settings, { lock, log, logName, reports })
      } catch (error) {
        await log.close()
        throw error
      }
    } catch (error) {
      await lock.release()
      throw error
    }
  }

  get counts(): Counts {
    return this.#log.index.counts
  }

  get status(): LogStatus {
    return this.#log.status
  }

  /** Records of the log that do not fit what was before them; none, unless it was damaged. */
  get contradictions(): number {
    return this.#log.index.contradictions
  }

  /** In order of `outbox_seq`. */
  entries(): IterableIterator<OutboxEntry> {
    return this.#log.index.entries()
  }

  bySeq(seq: number): OutboxEntry | undefined {
    return this.#log.index.bySeq(seq)
  }

  byId(pcsId: string): OutboxEntry | undefined {
    return this.#log.index.byId(pcsId)
  }

  oldestPending(): OutboxEntry | undefined {
    return this.#log.index.oldestPending()
  }

  /** Why no record is taken now, as a sentence; undefined while there is room. */
  get refusal(): string | undefined {
    const { entriesMax, bytesMax } = this.#settings
    const { keptEntries, keptBytes } = this.#log.index
    const entries = keptEntries + this.#reserved.entries
    const bytes = keptBytes + this.#reserved.bytes
    const noEntries = entries >= entriesMax
    if (!noEntries && bytes + RECORD_BYTES_LONGEST <= bytesMax) return undefined
    const limit = noEntries ? `OUTBOX_ENTRIES_MAX=${entriesMax}` : `OUTBOX_BYTES_MAX=${bytesMax}`
    return `the outbox in ${this.#directory} is full: it holds ${entries} records (${bytes} bytes), and ${limit} allows no more; it takes new ones when some have been acknowledged, and pcs outbox list shows those that wait for a person`
  }

  /**
   * Takes a record, unless it holds one under the same `pcs_id`. When this resolves, the record is on the disk
   * and will be sent. Its `ft.outbox_seq` is set; nothing else of its bytes changes.
   *
   * @throws MalformedRecord, OutboxError `foreign_id` or `full`, WalError when the log takes nothing now
   */
  async add(record: Uint8Array): Promise<Added> {
    const pcs = parseRecord(record)
    if (!hasMatchingId(pcs)) {
      throw new OutboxError('foreign_id', 'the pcs_id is not the hash of merkle_root, epoch and shard_id')
    }
    const print = fingerprint(pcs).toString('hex')
    for (let other = this.#adding.get(pcs.pcs_id); other; other = this.#adding.get(pcs.pcs_id)) {
      await other.catch(() => undefined) // its own caller learns of it
    }
    const adding = this.#currentLogLock.shared(() => {
      const known = this.#log.index.byId(pcs.pcs_id)
      return known ? this.#compare(known, print) : this.#enter(record, pcs.pcs_id, print)
    })
    this.#adding.set(pcs.pcs_id, adding)
    try {
      return await adding
    } finally {
      this.#adding.delete(pcs.pcs_id)
    }
  }

  /** The bytes to send. @throws OutboxError `damaged` or `unknown` */
  read(seq: number): Promise<Buffer> {
    return this.#currentLogLock.shared(
      async () => (await this.#log.entry(this.#inState(seq, 'pending'))).content,
    )
  }

  /** Ends a record's way; when this resolves, that is on the disk. @throws OutboxError `unknown`, WalError */
  settle(seq: number, { kind, status, replayed, attempts, body }: Settlement): Promise<void> {
    return this.#currentLogLock.shared(async () => {
      const entry = this.#inState(seq, 'pending')
      if (this.#settling.has(seq)) throw new OutboxError('unknown', `outbox_seq ${seq} is being settled`)
      this.#settling.add(seq)
      try {
        const atMs = this.#settings.nowMs()
        const head = { kind, seq, status, replayed, attempts, atMs }
        await this.#log.write([{ head, content: body }])
      } finally {
        this.#settling.delete(seq)
      }
      await this.#reports.add(this.#log, entry)
      if (kind === 'acknowledged') this.#selfCompaction.acknowledged(this.#log.index)
    })
  }

  /** Makes a dead letter, or a record in conflict, pending again. @throws OutboxError `unknown`, WalError */
  revive(seq: number): Promise<void> {
    return this.#currentLogLock.shared(async () => {
      const entry = this.#inState(seq, 'dead', 'conflict')
      await this.#log.write([{ head: { kind: 'revived', seq, atMs: this.#settings.nowMs() } }])
      this.onPending(entry)
    })
  }

  /**
   * Writes the log anew without what is acknowledged, and puts it in the place of the old one at once. Calls
   * wait meanwhile.
   * @throws OutboxError `damaged`, WalError: the old log then stays
   */
  compact(choice: CompactionChoice = {}): Promise<CompactionReport> {
    return this.#currentLogLock.exclusive(async () => {
      const { files, segmentBytes } = this.#settings
      const old = { log: this.#log, path: join(this.#directory, this.#logName) }
      const entries = [...old.log.index.entries()]
      const kept = chooseKept(entries, choice)
      const name = successorOf(this.#logName)
      const path = join(this.#directory, name)
      await files.removeDirectory(path)
      let log: OutboxLog | undefined
      try {
        log = await openLogIn(path, this.#settings)
        await copyKept(old.log, log, kept, segmentBytes / 4)
        await this.#pointTo(name)
      } catch (error) {
        await log?.close()
        await this.#removeCopy(path)
        throw error
      }
      this.#log = log
      this.#logName = name
      await old.log.close()
      await files.removeDirectory(old.path)
      return { entriesBefore: entries.length, entriesAfter: kept.length }
    })
  }

  /** False when its directory was removed, replaced or unmounted, so that no start would find what it writes. */
  async holdsDirectory(): Promise<boolean> {
    if (this.#closing !== undefined) return true
    return (await this.#lock.holds()) && this.#currentLogLock.shared(() => this.#log.holdsDirectory())
  }

  /** Takes nothing more, and lets go of the directory when what is under way has ended. */
  close(): Promise<void> {
    this.#closing ??= this.#currentLogLock.exclusive(async () => {
      try {
        await this.#log.close()
      } finally {
        await this.#lock.release()
      }
    })
    return this.#closing
  }

  async #enter(record: Uint8Array, pcsId: string, print: string): Promise<Added> {
    const refusal = this.refusal
    if (refusal !== undefined) throw new OutboxError('full', refusal)
    const seq = this.#nextSeq++
    const content = withOutboxSeq(record, seq)
    this.#reserved.entries += 1
    this.#reserved.bytes += content.length
    try {
      const atMs = this.#settings.nowMs()
      await this.#log.write([{ head: { kind: 'entry', seq, pcsId, fingerprint: print, atMs }, content }])
    } finally {
      this.#reserved.entries -= 1
      this.#reserved.bytes -= content.length
    }
    this.onPending(this.#inState(seq, 'pending'))
    return { seq, pcsId, known: false, same: true }
  }

  async #compare(known: OutboxEntry, print: string): Promise<Added> {
    const { head } = await this.#log.entry(known)
    return { seq: known.seq, pcsId: known.pcsId, known: true, same: head.fingerprint === print }
  }

  #inState(seq: number, ...states: readonly EntryState[]): OutboxEntry {
    const entry = this.#log.index.bySeq(seq)
    if (entry && states.includes(entry.state)) return entry
    const found = entry ? `is ${entry.state}, not ${states.join(' or ')}` : 'is not in the outbox'
    throw new OutboxError('unknown', `outbox_seq ${seq} ${found}`)
  }

  /** After a compaction that failed, unless the copy has become the current log all the same. */
  async #removeCopy(path: string): Promise<void> {
    const { files } = this.#settings
    try {
      if ((await currentLog(files, this.#directory)) === this.#logName) await files.removeDirectory(path)
    } catch {
      // Its own error says what failed; the next compaction, or the next start, removes what is left.
    }
  }

  /** Ends the process when it is unknown which log is current: a record could go into the wrong one. */
  async #pointTo(name: string): Promise<void> {
    const { files, onFatal } = this.#settings
    try {
      await pointTo(files, this.#directory, name)
    } catch (error) {
      const current = await currentLog(files, this.#directory).catch(() => undefined)
      if (current !== this.#logName) onFatal(error instanceof Error ? error : new Error(String(error)))
      throw error
    }
  }
}

function openLogIn(
  path: string,
  { files, segmentBytes, onFatal, onEvent }: OutboxSettings,
): Promise<OutboxLog> {
  const forward = (event: WalEvent) => onEvent({ type: 'log', event })
  return OutboxLog.open(path, { files, segmentBytes, onFatal, onEvent: forward })
}

/** Never a number that was used before. A damaged segment may have held higher ones than the rest of the log. */
function firstFreeSeq({ index, status, sequence }: OutboxLog): number {
  return status.quarantined.length > 0 ? index.nextSeq + sequence : index.nextSeq
}
