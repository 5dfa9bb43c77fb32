/*
 * Opening a log: everything is read to the end before anything is appended.
 *
 * Segments are read in order of their names. In every one but the last, and in the last wherever records of
 * a later flush group follow, damage is damage: the segment is quarantined under a new name, and what is
 * intact in it is still read. A segment whose end does not meet the beginning of the next (a gap in the
 * sequence, another chain) is quarantined as well.
 *
 * The end of the last segment may be torn, by a crash in the middle of a write: only one group is under way
 * at a time, so damage is torn if no intact frame follows it whose group began after the damaged record.
 * It was then not acknowledged, or it is damage to the last group that nothing can tell from that. The intact
 * records of the torn group before the damage are kept: they may have been acknowledged.
 *
 * CRC32C and chain are most of the work. In a log of more than a few megabytes a second thread checks each chunk
 * before this one comes to it (check-ahead.ts); whatever it has not passed is checked here, and everything behind
 * damage is, so that what is found does not depend on it.
 *
 * What was read is then made durable before anyone sees it. A flush that failed leaves pages in memory that
 * count as clean though the disk does not have them (the next flush would say OK over lost data), so the last
 * group is written once more over itself before it is flushed. No earlier group can be in that state: each
 * was flushed before the next was written.
 */

import { join } from 'node:path'
import { CheckAhead, type ChunkCheck } from './check-ahead.js'
import type { BriefOf, Checkpoint } from './checkpoint.js'
import { Checkpoints } from './checkpoint-files.js'
import { toRecord } from './decoder.js'
import { WalError } from './errors.js'
import type { WalEvent } from './events.js'
import { type Files, type OpenFile, readFully, writeFully } from './files.js'
import {
  freeName,
  isLeftover,
  type LogIdentity,
  type LogPoint,
  ORIGIN,
  SEGMENT_HEADER_BYTES,
  segmentOfCheckpoint,
} from './format.js'
import type { RecordLocation, VisitedRecord } from './record.js'
import { type Damage, FrameScan, isLaterGroup, type ScanPoint, type ScanSink } from './scan.js'
import { type ActiveSegment, Segment } from './segment.js'
import {
  beginObjection,
  endObjection,
  type FoundSegment,
  findSegments,
  firstOf,
  isForeign,
  pointBefore,
  recoverIdentity,
} from './segment-files.js'
import type { TornTail } from './torn-tail.js'

const CHUNK_BYTES = 1 << 20

export interface RecoveryOptions {
  readonly directory: string
  readonly files: Files
  readonly visit: ((record: VisitedRecord, location: RecordLocation) => void) | undefined
  readonly brief: BriefOf | undefined
  readonly onEvent: (event: WalEvent) => void
  readonly checkAheadBytes: number
  readonly randomBytes?: ((sizeBytes: number) => Buffer) | undefined
}

export interface Recovered {
  readonly identity: LogIdentity
  /** with the frames of the active segment noted */
  readonly checkpoints: Checkpoints
  /** in order of their sequences */
  readonly segments: Segment[]
  /** the last record of all */
  readonly point: LogPoint
  /** what may be appended to; `undefined` when a new segment must be begun */
  readonly active: ActiveSegment | undefined
  /** to be cut off before anything is appended */
  readonly torn: TornTail | undefined
}

/** Reads the whole log, quarantines what is damaged, and makes what is left durable. */
export async function recover(options: RecoveryOptions): Promise<Recovered> {
  const { files, directory } = options
  await removeLeftovers(files, directory)
  const found = await findSegments(files, directory)
  const identity = await recoverIdentity(files, directory, found, options.randomBytes)
  const pass = new RecoveryPass(options, identity)
  const own = found.filter((segment) => !isForeign(segment, identity))
  try {
    for (const [index, segment] of own.entries()) await pass.read(segment, own[index + 1])
  } finally {
    await pass.endCheck()
  }
  for (const segment of found) {
    if (isForeign(segment, identity) && !segment.quarantined) pass.setAside(segment)
  }
  return pass.finish()
}

async function removeLeftovers(files: Files, directory: string): Promise<void> {
  const names = new Set(await files.list(directory))
  for (const name of names) {
    const checkpointed = segmentOfCheckpoint(name)
    const isOrphan = checkpointed !== undefined && !names.has(checkpointed)
    if (isLeftover(name) || isOrphan) await files.unlink(join(directory, name))
  }
}

interface ReadRange {
  readonly start: number
  readonly end: number
  readonly before: ScanPoint
  readonly check?: ChunkCheck | undefined
}

class RecoveryPass {
  readonly #options: RecoveryOptions
  readonly #identity: LogIdentity
  readonly #checkpoints: Checkpoints
  readonly #segments: Segment[] = []
  readonly #quarantine: { segment: Segment; reason: string }[] = []
  #point: ScanPoint = ORIGIN
  #ahead: CheckAhead | undefined
  #last: { file: OpenFile; segment: Segment; torn: TornTail | undefined } | undefined

  constructor(options: RecoveryOptions, identity: LogIdentity) {
    this.#options = options
    this.#identity = identity
    this.#checkpoints = new Checkpoints({ ...options, identity })
  }

  async read(found: FoundSegment, next: FoundSegment | undefined): Promise<void> {
    const { files, directory } = this.#options
    // the last one is opened for writing whatever its state: its last group is written once more
    const file = await files.open(join(directory, found.name), next === undefined ? 'write' : 'read')
    let keepOpen = false
    try {
      const before = pointBefore(found, this.#point)
      const segment = new Segment(directory, found.name, before)
      this.#segments.push(segment)
      this.#checkpoints.begin()
      if (await this.#takeCheckpoint(found, next, segment)) return
      const end = Math.max(await file.size(), SEGMENT_HEADER_BYTES)
      const check = this.#checkFor(end, before, next === undefined)
      const range = { start: SEGMENT_HEADER_BYTES, end, before, check }
      const objection = beginObjection(found, this.#segments.length > 1 ? this.#point : undefined)
      if (next === undefined && !found.quarantined && objection === undefined) {
        keepOpen = await this.#readLast(segment, file, range)
      } else {
        const sequenceMax = next === undefined ? Number.MAX_SAFE_INTEGER : firstOf(next) - 1
        const damage = await this.#scan(segment, file, { ...range, sequenceMax })
        const reason = objection ?? damage ?? endObjection(this.#point, next)
        if (reason !== undefined && !found.quarantined) this.#quarantine.push({ segment, reason })
        else if (next !== undefined && !found.quarantined) await this.#saveCheckpoint(segment)
      }
    } finally {
      if (!keepOpen) await file.close()
    }
  }

  /** A sealed segment whose checkpoint joins what is before and behind it need not be read. */
  async #takeCheckpoint(
    found: FoundSegment,
    next: FoundSegment | undefined,
    segment: Segment,
  ): Promise<boolean> {
    const carried = this.#segments.length > 1 ? this.#point : undefined
    const { header } = found
    if (next === undefined || found.quarantined || !header) return false
    if (beginObjection(found, carried) !== undefined) return false
    const checkpoint: Checkpoint | undefined = await this.#checkpoints.load(found.name, header.before)
    if (!checkpoint || endObjection(checkpoint.end, next) !== undefined) return false
    const { visit } = this.#options
    checkpoint.visit(header.before, (record, offset, frameBytes) => {
      segment.note(record.sequence, offset, frameBytes)
      visit?.(record, { segment: segment.name, offset, frameBytes })
    })
    this.#point = checkpoint.end
    this.#options.onEvent({ type: 'checkpoint_taken', segment: segment.name })
    return true
  }

  async #saveCheckpoint({ name, frames, readableEnd }: Segment): Promise<void> {
    const { sequence, group, chain } = this.#point
    if (frames === 0 || group === undefined || chain === undefined) return
    await this.#checkpoints.save(name, this.#checkpoints.take(), { sequence, group, chain }, readableEnd)
  }

  /** To be called when all segments have been read. */
  async endCheck(): Promise<void> {
    await this.#ahead?.close()
  }

  /** The last segment may be nothing but zeros: for that alone no thread is started. */
  #checkFor(end: number, before: ScanPoint, last: boolean): ChunkCheck | undefined {
    const { checkAheadBytes, onEvent } = this.#options
    if (!last && end >= checkAheadBytes) {
      this.#ahead ??= new CheckAhead(({ message }) => onEvent({ type: 'check_failed', reason: message }))
    }
    const range = {
      start: SEGMENT_HEADER_BYTES,
      end,
      chain: before.chain,
      logSecret: this.#identity.logSecret,
    }
    return this.#ahead?.segment(range)
  }

  /** A segment of another log: nothing of it is read. */
  setAside({ name }: FoundSegment): void {
    const segment = new Segment(this.#options.directory, name, ORIGIN)
    this.#quarantine.push({ segment, reason: 'it belongs to another log' })
  }

  async finish(): Promise<Recovered> {
    const { files, directory } = this.#options
    const last = this.#last
    try {
      for (const { segment, reason } of this.#quarantine) await this.#rename(segment, reason)
      await files.syncDirectory(directory)
      const { sequence, group, chain } = this.#point
      return {
        identity: this.#identity,
        checkpoints: this.#checkpoints,
        segments: this.#segments,
        point: { sequence, group: group ?? 0, chain: chain ?? ORIGIN.chain },
        active: last && { segment: last.segment, file: last.file, capacityBytes: await last.file.size() },
        torn: last?.torn,
      }
    } catch (error) {
      await last?.file.close()
      throw error
    }
  }

  /** Reads a segment round its damage; the reason when there was any. */
  async #scan(
    segment: Segment,
    file: OpenFile,
    range: ReadRange & { sequenceMax: number },
  ): Promise<string | undefined> {
    let reason: string | undefined
    const sink = this.#sink(segment, (damage) => {
      reason ??= `at byte ${damage.start}: ${damage.reason}`
    })
    const scan = await this.#newScan(file, { ...range, stopAtDamage: false }, sink).run()
    this.#point = scan.point
    if (range.sequenceMax === Number.MAX_SAFE_INTEGER) await makeLastGroupDurable(file, scan)
    return reason
  }

  /** Reads the last segment; true when it may be appended to, and its file stays open. */
  async #readLast(segment: Segment, file: OpenFile, range: ReadRange): Promise<boolean> {
    const sequenceMax = Number.MAX_SAFE_INTEGER
    let found: Damage | undefined
    const sink = this.#sink(segment, (damage) => {
      found = damage
    })
    const scan = await this.#newScan(file, { ...range, sequenceMax, stopAtDamage: true }, sink).run()
    this.#point = scan.point
    const damage: Damage | undefined = found
    if (damage !== undefined && (await this.#laterGroupFollows(file, range.end, scan, damage))) {
      const rest = { start: scan.intactEnd, end: range.end, before: scan.point, sequenceMax }
      const reason = (await this.#scan(segment, file, rest)) ?? damage.reason
      this.#quarantine.push({ segment, reason })
      return false
    }
    const { directory } = this.#options
    const torn = damage && { directory, segment: segment.name, file, start: scan.intactEnd, end: range.end }
    await makeLastGroupDurable(file, scan)
    this.#last = { file, segment, torn }
    return true
  }

  async #laterGroupFollows(file: OpenFile, end: number, scan: FrameScan, damage: Damage): Promise<boolean> {
    let later = false
    const sink: ScanSink = {
      frame(_bytes, _offset, _position, fields) {
        if (isLaterGroup(fields, damage)) later = true
      },
    }
    const range = { start: scan.intactEnd, end, before: scan.point, sequenceMax: Number.MAX_SAFE_INTEGER }
    await this.#newScan(file, { ...range, stopAtDamage: false }, sink).run()
    return later
  }

  #newScan(
    file: OpenFile,
    range: ReadRange & { sequenceMax: number; stopAtDamage: boolean },
    sink: ScanSink,
  ): FrameScan {
    const { logSecret } = this.#identity
    return new FrameScan(
      file,
      {
        ...range,
        logSecret,
        checkDigests: false,
        checkChain: true,
        chunkBytes: CHUNK_BYTES,
        reuseBuffers: true,
      },
      sink,
    )
  }

  #sink(segment: Segment, damage: (damage: Damage) => void): ScanSink {
    const { visit } = this.#options
    return {
      damage,
      frame: (bytes, offset, position, fields) => {
        segment.note(fields.sequence, position, fields.frameBytes)
        this.#checkpoints.note(bytes, offset)
        visit?.(toRecord(bytes, offset, fields), {
          segment: segment.name,
          offset: position,
          frameBytes: fields.frameBytes,
        })
      },
    }
  }

  async #rename(segment: Segment, reason: string): Promise<void> {
    const { files, directory, onEvent } = this.#options
    const from = segment.name
    const to = freeName(`${from}.quarantined`, new Set(await files.list(directory)))
    await files.rename(segment.path, join(directory, to))
    segment.quarantineAs(to)
    onEvent({ type: 'quarantined', segment: from, quarantinedAs: to, reason })
  }
}

async function makeLastGroupDurable(file: OpenFile, scan: FrameScan): Promise<void> {
  const group = Buffer.allocUnsafe(scan.intactEnd - scan.lastGroupStart)
  const read = await readFully(file, group, scan.lastGroupStart)
  if (read < group.length)
    throw new WalError('damaged', 'The log changed while it was opened; open it again.')
  await writeFully(file, group, scan.lastGroupStart)
  await file.datasync()
}
