import { join } from 'node:path'
import type { Checkpoints } from './checkpoint-files.js'
import { type CompactionResult, replaceByCopy, writeCompactedCopy } from './compaction.js'
import { CompactionQueue } from './compaction-queue.js'
import { encodeGroup, frameBytes } from './encoder.js'
import { asError, isWalError, WalError } from './errors.js'
import { type DirectoryLock, writeFully } from './files.js'
import {
  encodeSegmentHeader,
  FRAME,
  FRAME_OVERHEAD_BYTES,
  type LogIdentity,
  type LogPoint,
  SEGMENT_HEADER_BYTES,
  segmentName,
} from './format.js'
import { GroupCommit, type Weight } from './group-commit.js'
import { type LogOptions, type Settings, settingsOf } from './options.js'
import { SegmentPreparer } from './preallocation.js'
import { type ReaderOptions, readOneRecord, readRecords } from './reader.js'
import type { LogRecord, NewRecord } from './record.js'
import type { CompactableLog, LogHead, LogStatus, ReadOptions, SegmentInfo } from './record-log.js'
import { type Recovered, recover } from './recovery.js'
import { type ActiveSegment, Segment } from './segment.js'
import { SpaceRetry, type SpaceRetryOptions } from './space-retry.js'
import { cutTornTail, type TornTail } from './torn-tail.js'

/**
 * Opens the log in that directory, or makes one: takes its lock, reads it to the end, repairs or quarantines
 * what is damaged (recovery.ts), and only then appends. Rejects with a WalError: `locked`, `unsupported`,
 * `invalid`, or with the system's error. Without room for a first segment the log opens all the same, takes
 * no appends (`out_of_space`), and does so by itself when there is room.
 */
export async function openLog(directory: string, options: LogOptions): Promise<CompactableLog> {
  const settings = settingsOf(options)
  await settings.files.makeDirectory(directory)
  const lock = await settings.files.lock(directory)
  try {
    return await DirectoryLog.begin(directory, settings, lock)
  } catch (error) {
    await lock.release()
    throw error
  }
}

/** One call of `append`: its records, and the place that it is given. */
interface Call {
  readonly records: readonly NewRecord[]
  firstSequence: number
}

class DirectoryLog implements CompactableLog {
  readonly logId: string
  readonly #directory: string
  readonly #settings: Settings
  readonly #lock: DirectoryLock
  readonly #identity: LogIdentity
  readonly #checkpoints: Checkpoints
  readonly #segments: Segment[]
  readonly #commits: GroupCommit<Call>
  readonly #preparer: SegmentPreparer
  readonly #repair: SpaceRetry
  readonly #reader: ReaderOptions
  readonly #compactions: CompactionQueue
  #torn: TornTail | undefined
  #active: ActiveSegment | undefined
  /** the last flushed record */
  #point: LogPoint
  #buffer = Buffer.alloc(0)
  #sealing: Promise<void> = Promise.resolve()
  #failure: Error | undefined
  #opened = false
  #closing: Promise<void> | undefined

  constructor(directory: string, settings: Settings, lock: DirectoryLock, recovered: Recovered) {
    this.#directory = directory
    this.#settings = settings
    this.#lock = lock
    this.#identity = recovered.identity
    this.logId = recovered.identity.logId.toString('hex')
    this.#checkpoints = recovered.checkpoints
    this.#segments = recovered.segments
    this.#active = recovered.active
    this.#torn = recovered.torn
    this.#point = recovered.point
    const { files, segmentBytes, onEvent } = settings
    const onRead = this.#checkpoints.droppingDamaged(onEvent)
    this.#reader = { files, logSecret: this.#identity.logSecret, segments: this.#segments, onEvent: onRead }
    this.#commits = new GroupCommit({
      commit: (calls, weight) => this.#commit(calls, weight),
      groupMax: () => this.#groupMax(),
      queueMax: { records: settings.queueRecordsMax, bytes: settings.queueBytesMax },
      onFatal: (error) => this.#failed(error),
    })
    this.#compactions = new CompactionQueue((error) => this.#commits.fail(error))
    const space = this.#spaceRetry()
    this.#preparer = new SegmentPreparer({ ...space, files, directory, segmentBytes })
    this.#repair = new SpaceRetry(space, () => this.#cutTornTail())
  }

  /** Recovers, then repairs the tail or gets the first segment; these two may have to wait for room. */
  static async begin(directory: string, settings: Settings, lock: DirectoryLock): Promise<DirectoryLog> {
    const log = new DirectoryLog(directory, settings, lock, await recover({ directory, ...settings }))
    try {
      await log.#makeWritable()
    } catch (error) {
      await log.#active?.file.close()
      throw error
    }
    log.#opened = true
    log.#prepareAhead()
    return log
  }

  async #makeWritable(): Promise<void> {
    if (this.#torn !== undefined) await this.#repair.start()
    else if (this.#active === undefined) {
      await this.#roll().catch((error: unknown) => {
        if (!isWalError(error, 'out_of_space')) throw this.#failure ?? error
      })
    }
    if (this.#failure !== undefined) throw this.#failure
  }

  async append(records: readonly NewRecord[]): Promise<number> {
    const call: Call = { records, firstSequence: 0 }
    await this.#commits.submit(call, this.#weigh(records))
    return call.firstSequence
  }

  read(fromSequence: number, options: ReadOptions = {}): AsyncIterable<LogRecord[]> {
    return readRecords(this.#reader, {
      from: Math.max(1, fromSequence),
      to: Math.min(options.to ?? this.#point.sequence, this.#point.sequence),
      batchRecordsMax: Math.max(1, options.batchRecordsMax ?? 1024),
      batchBytesMax: Math.max(FRAME_OVERHEAD_BYTES, options.batchBytesMax ?? 1 << 20),
      types: options.types,
    })
  }

  async readOne(sequence: number): Promise<LogRecord | undefined> {
    if (sequence > this.#point.sequence) return undefined
    return readOneRecord(this.#reader, sequence)
  }

  head(): LogHead {
    const { sequence, group, chain } = this.#point
    return { sequence, group, chain: chain.toString('hex') }
  }

  status(): LogStatus {
    const reason = this.#obstacle()
    const first = this.#segments.find(({ frames }) => frames > 0)
    return {
      writable: reason === undefined,
      reason,
      firstSequence: first?.firstSequence ?? 0,
      segments: this.#segments.length,
      quarantined: this.#segments.filter(({ quarantined }) => quarantined).map(({ name }) => name),
    }
  }

  segments(): SegmentInfo[] {
    return this.#segments.map((segment) => ({
      name: segment.name,
      firstSequence: segment.firstSequence,
      lastSequence: segment.lastSequence,
      records: segment.frames,
      sizeBytes: segment.readableEnd,
      active: segment === this.#active?.segment,
      quarantined: segment.quarantined,
    }))
  }

  dropBodies(firstSequence: number, drop: (record: LogRecord) => boolean): Promise<CompactionResult> {
    return this.#compactions.run(async () => {
      const segment = this.#segments.find((one) => one.firstSequence === firstSequence && !one.quarantined)
      if (segment === undefined || segment === this.#active?.segment) {
        throw new WalError('invalid', `No sealed, sound segment begins with record ${firstSequence}.`)
      }
      const options = {
        files: this.#settings.files,
        directory: this.#directory,
        logSecret: this.#identity.logSecret,
      }
      const copy = await writeCompactedCopy(options, segment, drop)
      if (copy === undefined) return { dropped: 0, freedBytes: 0 }
      await this.#checkpoints.remove(segment.name)
      await replaceByCopy(options, segment, copy)
      return { dropped: copy.dropped, freedBytes: copy.freedBytes }
    })
  }

  removeBefore(sequence: number): Promise<number> {
    return this.#compactions.run(async () => {
      let removed = 0
      for (;;) {
        const oldest = this.#segments[0]
        if (oldest === undefined || oldest === this.#active?.segment || this.#segments.length === 1)
          return removed
        if (oldest.lastSequence >= sequence) return removed
        await this.#remove(oldest)
        removed += 1
      }
    })
  }

  async #remove(oldest: Segment): Promise<void> {
    oldest.remove()
    this.#segments.shift()
    await this.#checkpoints.remove(oldest.name)
    await this.#settings.files.unlink(oldest.path)
    await this.#settings.files.syncDirectory(this.#directory)
  }

  async holdsDirectory(): Promise<boolean> {
    return this.#closing !== undefined || this.#lock.holds()
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    try {
      await this.#commits.close()
      await this.#compactions.close()
      await this.#repair.stop()
      await this.#preparer.close()
      await this.#sealing
      await this.#active?.file.close()
    } finally {
      await this.#lock.release()
    }
  }

  /** What a call counts; rejects what can never be written. */
  #weigh(records: readonly NewRecord[]): Weight {
    const { recordBytesMax, groupRecordsMax, groupBytesMax } = this.#settings
    if (records.length === 0)
      throw new WalError('invalid', 'There is nothing to append: give at least one record.')
    let bytes = 0
    for (const { type, encoding, body, timeMs } of records) {
      if (timeMs !== undefined && !(Number.isSafeInteger(timeMs) && timeMs >= 0))
        throw new WalError('invalid', 'A stamp is a whole number of milliseconds since 1970.')
      if (!isByte(type) || type === 0)
        throw new WalError('invalid', 'A record type is an integer from 1 to 255.')
      if (!isByte(encoding)) throw new WalError('invalid', 'A body encoding is an integer from 0 to 255.')
      if (body.length > recordBytesMax) {
        throw new WalError('too_large', `A record has ${body.length} bytes; the limit is ${recordBytesMax}.`)
      }
      bytes += frameBytes(body.length)
    }
    if (records.length > groupRecordsMax || bytes > groupBytesMax) {
      const limit = `${groupRecordsMax} records and ${groupBytesMax} bytes`
      throw new WalError('too_large', `One call takes up to ${limit}; make several of it.`)
    }
    return { records: records.length, bytes }
  }

  /** The bounds of the next group: the configured ones, and the room left where anything at all fits there. */
  #groupMax(): Weight {
    const { groupRecordsMax, groupBytesMax } = this.#settings
    const room = this.#roomBytes()
    const bytes = room >= FRAME_OVERHEAD_BYTES ? Math.min(groupBytesMax, room) : groupBytesMax
    return { records: groupRecordsMax, bytes }
  }

  #roomBytes(): number {
    return this.#active === undefined ? 0 : this.#active.capacityBytes - this.#active.segment.readableEnd
  }

  /** Writes and flushes one group. The order of these calls is what the whole system stands on. */
  async #commit(calls: readonly Call[], weight: Weight): Promise<void> {
    if (this.#torn !== undefined)
      throw this.#repair.refusal ?? new WalError('out_of_space', 'The tail is not cut yet.')
    if (this.#active === undefined || this.#roomBytes() < weight.bytes) await this.#roll()
    const active = this.#active
    if (active === undefined) throw new WalError('failed', 'There is no segment to append to.')
    const records = calls.flatMap((call) => call.records)
    const offset = active.segment.readableEnd
    const group = this.#groupBuffer(weight.bytes)
    const { clock, onEvent } = this.#settings
    const point = encodeGroup(group, records, this.#point, this.#identity.logSecret, clock.wallMs())
    await writeFully(active.file, group, offset)
    const flushStart = performance.now()
    await active.file.datasync()
    const seconds = (performance.now() - flushStart) / 1000
    this.#place(calls, active.segment, offset, group)
    this.#point = point
    onEvent({ type: 'flushed', records: weight.records, sizeBytes: weight.bytes, seconds })
    this.#prepareAhead()
  }

  /** Gives the flushed records their places, as they were written, for their callers and for readers. */
  #place(calls: readonly Call[], segment: Segment, start: number, group: Buffer): void {
    let sequence = this.#point.sequence
    let offset = 0
    for (const call of calls) {
      call.firstSequence = sequence + 1
      for (let count = call.records.length; count > 0; count--) {
        const sizeBytes = frameBytes(group.readUInt32LE(offset + FRAME.storedLength))
        sequence += 1
        segment.note(sequence, start + offset, sizeBytes)
        this.#checkpoints.note(group, offset)
        offset += sizeBytes
      }
    }
  }

  #groupBuffer(sizeBytes: number): Buffer {
    if (this.#buffer.length < sizeBytes)
      this.#buffer = Buffer.allocUnsafeSlow(Math.min(2 * sizeBytes, this.#settings.groupBytesMax))
    return this.#buffer.subarray(0, sizeBytes)
  }

  /** Begins the next segment: durable under its name before anything is appended to it. */
  async #roll(): Promise<void> {
    const { files, clock, onEvent, segmentBytes } = this.#settings
    const file = await this.#preparer.take()
    const name = segmentName(this.#point.sequence + 1)
    const header = { ...this.#identity, createdMs: clock.wallMs(), before: this.#point }
    await writeFully(file, encodeSegmentHeader(header), 0)
    await file.datasync()
    await files.rename(this.#preparer.path, join(this.#directory, name))
    await files.syncDirectory(this.#directory)
    const sealed = this.#active
    if (sealed !== undefined) this.#seal(sealed)
    this.#checkpoints.begin()
    const segment = new Segment(this.#directory, name, this.#point)
    this.#segments.push(segment)
    this.#active = { segment, file, capacityBytes: segmentBytes }
    onEvent({ type: 'segment_created', segment: name })
  }

  /** Gives back the unwritten rest of a full segment, in the background. */
  #seal({ segment, file }: ActiveSegment): void {
    const empty = segment.frames === 0
    const [noted, end] = [this.#checkpoints.take(), this.#point]
    // an empty one had the name that the new segment was renamed to, and is gone
    if (empty) this.#segments.pop()
    const seal = async () => {
      if (!empty) {
        await file.truncate(segment.readableEnd)
        await file.datasync()
      }
      await file.close()
      if (!empty) await this.#checkpoints.save(segment.name, noted, end, segment.readableEnd)
    }
    this.#sealing = Promise.all([this.#sealing, seal()]).then(
      () => undefined,
      (error: unknown) => this.#commits.fail(asError(error)),
    )
  }

  /** Half-way through a segment the next one is prepared. */
  #prepareAhead(): void {
    const active = this.#active
    if (active === undefined || this.#failure !== undefined || this.#closing !== undefined) return
    const used = active.segment.readableEnd - SEGMENT_HEADER_BYTES
    if (used * 2 > active.capacityBytes - SEGMENT_HEADER_BYTES) this.#preparer.start()
  }

  async #cutTornTail(): Promise<void> {
    if (this.#torn === undefined) return
    const event = await cutTornTail(this.#settings.files, this.#torn)
    this.#torn = undefined
    this.#settings.onEvent(event)
  }

  #obstacle(): string | undefined {
    if (this.#failure !== undefined) return `A write or a flush failed: ${this.#failure.message}`
    if (this.#closing !== undefined) return 'The log is closed.'
    if (this.#torn !== undefined) return this.#repair.refusal?.message ?? 'The torn tail is not cut yet.'
    if (this.#roomBytes() >= frameBytes(this.#settings.recordBytesMax)) return undefined
    return this.#preparer.refusal?.message
  }

  #spaceRetry(): SpaceRetryOptions {
    const { clock, spaceRetryMs, onEvent } = this.#settings
    return {
      clock,
      retryMs: spaceRetryMs,
      onRefused: (reason) => onEvent({ type: 'out_of_space', reason }),
      onRecovered: () => onEvent({ type: 'space_available' }),
      onFatal: (error) => this.#commits.fail(error),
    }
  }

  #failed(error: Error): void {
    this.#failure = error
    if (this.#opened) this.#settings.onFatal(error) // before that, openLog rejects
  }
}

function isByte(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= 255
}
