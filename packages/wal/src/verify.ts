import { join } from 'node:path'
import { type Files, type OpenFile, withFile } from './files.js'
import { BODY_DROPPED, ORIGIN, SEGMENT_HEADER_BYTES } from './format.js'
import { nodeFiles } from './node-files.js'
import type { LogHead } from './record-log.js'
import { type Damage, FrameScan, isLaterGroup, type ScanPoint } from './scan.js'
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

const CHUNK_BYTES = 4 << 20

/** What one segment holds. */
export interface SegmentReport {
  /** file name */
  readonly segment: string
  readonly quarantined: boolean
  readonly sizeBytes: number
  /** first and last intact sequence; 0 when there is none */
  readonly firstSequence: number
  readonly lastSequence: number
  readonly frames: number
  /** frames whose body was dropped by compaction */
  readonly dropped: number
  /** ranges that hold no acceptable frame: unreadable, or against digest, sequence, group or chain */
  readonly damage: readonly Damage[]
  /** what is wrong with it as a part of the log: its header, its place, its end */
  readonly objection: string | undefined
  /**
   * Where the last segment ends in bytes that are not a whole group. In a live log that is a write under
   * way, after a crash a torn tail, which the next opening cuts off.
   */
  readonly tornAt: number | undefined
}

/** What the log as a whole is worth. */
export interface LogReport {
  /** 32 hex digits */
  readonly logId: string
  readonly records: number
  /** the end of what is intact: compare it with the head that was exported, for a cut tail shows only there */
  readonly head: LogHead
  /** whether there is neither damage nor an objection nor a quarantined segment (a torn tail is neither) */
  readonly sound: boolean
}

/**
 * Checks every frame of a log: CRC32C, digests, sequence, groups, chain, and that the segments meet. Yields a
 * report for each segment and returns one for the log. Reads only, needs no lock, and may run on a live log.
 */
export async function* verifyLog(
  directory: string,
  files: Files = nodeFiles,
): AsyncGenerator<SegmentReport, LogReport> {
  const found = await findSegments(files, directory)
  const identity = await recoverIdentity(files, directory, found)
  const own = found.filter((segment) => !isForeign(segment, identity))
  let point: ScanPoint = ORIGIN
  let records = 0
  let sound = true
  for (const [index, segment] of own.entries()) {
    const carried = index === 0 ? undefined : point
    const result = await verifySegment(
      { files, directory, logSecret: identity.logSecret },
      segment,
      own[index + 1],
      carried,
    )
    point = result.end
    records += result.report.frames
    const { damage, objection, tornAt, quarantined } = result.report
    if (quarantined || objection !== undefined || (damage.length > 0 && tornAt === undefined)) sound = false
    yield result.report
  }
  for (const segment of found) {
    if (!isForeign(segment, identity)) continue
    sound = false
    yield foreignReport(segment)
  }
  const { sequence, group, chain } = point
  const head = { sequence, group: group ?? 0, chain: (chain ?? ORIGIN.chain).toString('hex') }
  return { logId: identity.logId.toString('hex'), records, head, sound }
}

interface LogParts {
  readonly files: Files
  readonly directory: string
  readonly logSecret: Buffer
}

async function verifySegment(
  log: LogParts,
  found: FoundSegment,
  next: FoundSegment | undefined,
  carried: ScanPoint | undefined,
): Promise<{ report: SegmentReport; end: ScanPoint }> {
  return withFile(log.files, join(log.directory, found.name), 'read', async (file) => {
    const sizeBytes = await file.size()
    const count = new Count(file, {
      logSecret: log.logSecret,
      end: Math.max(sizeBytes, SEGMENT_HEADER_BYTES),
      sequenceMax: next === undefined ? Number.MAX_SAFE_INTEGER : firstOf(next) - 1,
    })
    const before = pointBefore(found, carried ?? ORIGIN)
    const mayBeTorn = next === undefined && !found.quarantined
    let end = await count.scan(SEGMENT_HEADER_BYTES, before, mayBeTorn)
    let tornAt: number | undefined
    const damage = count.damage[0]
    if (mayBeTorn && damage !== undefined) {
      const rest = count.behind(damage)
      const restEnd = await rest.scan(damage.start, end, false)
      if (rest.laterGroup) {
        count.add(rest)
        end = restEnd
      } else tornAt = damage.start
    }
    const report: SegmentReport = {
      segment: found.name,
      quarantined: found.quarantined,
      sizeBytes,
      firstSequence: count.first,
      lastSequence: count.frames === 0 ? 0 : end.sequence,
      frames: count.frames,
      dropped: count.dropped,
      damage: count.damage,
      objection: beginObjection(found, carried) ?? endObjection(end, next),
      tornAt,
    }
    return { report, end }
  })
}

interface CountRange {
  readonly logSecret: Buffer
  readonly end: number
  readonly sequenceMax: number
}

/** Counts what a scan of a range meets. */
class Count {
  damage: Damage[] = []
  first = 0
  frames = 0
  dropped = 0
  laterGroup = false
  readonly #file: OpenFile
  readonly #range: CountRange
  readonly #behind: Damage | undefined

  constructor(file: OpenFile, range: CountRange, behind?: Damage) {
    this.#file = file
    this.#range = range
    this.#behind = behind
  }

  /** For what follows that damage, which it finds again; tells whether a later flush group is there. */
  behind(damage: Damage): Count {
    return new Count(this.#file, this.#range, damage)
  }

  async scan(start: number, before: ScanPoint, stopAtDamage: boolean): Promise<ScanPoint> {
    const checks = { checkDigests: true, checkChain: true, chunkBytes: CHUNK_BYTES, reuseBuffers: true }
    const options = { ...this.#range, ...checks, start, before, stopAtDamage }
    const scan = new FrameScan(this.#file, options, {
      damage: (damage) => {
        this.damage.push(damage)
      },
      frame: (_bytes, _offset, _position, fields) => {
        if (this.first === 0) this.first = fields.sequence
        if (fields.state === BODY_DROPPED) this.dropped += 1
        this.frames += 1
        if (this.#behind !== undefined && isLaterGroup(fields, this.#behind)) this.laterGroup = true
      },
    })
    await scan.run()
    return scan.point
  }

  add(rest: Count): void {
    this.damage = rest.damage
    this.first ||= rest.first
    this.frames += rest.frames
    this.dropped += rest.dropped
  }
}

function foreignReport(found: FoundSegment): SegmentReport {
  return {
    segment: found.name,
    quarantined: found.quarantined,
    sizeBytes: 0,
    firstSequence: 0,
    lastSequence: 0,
    frames: 0,
    dropped: 0,
    damage: [],
    objection: 'it belongs to another log',
    tornAt: undefined,
  }
}
