import type { BriefOf } from './checkpoint.js'
import { type Clock, systemClock } from './clock.js'
import { WalError } from './errors.js'
import type { WalEvent } from './events.js'
import type { Files } from './files.js'
import { FRAME_OVERHEAD_BYTES, SEGMENT_HEADER_BYTES } from './format.js'
import { nodeFiles } from './node-files.js'
import type { RecordLocation, VisitedRecord } from './record.js'

export interface LogOptions {
  /** Length of a segment; by default 64 MiB. */
  readonly segmentBytes?: number
  /** Longest body; by default 1 MiB, or what fits into a segment. */
  readonly recordBytesMax?: number
  /** Most records of one flush, and of one call of `append`; by default 4096, at most 65535. */
  readonly groupRecordsMax?: number
  /** Most bytes of one flush, and of one call, frames included; by default 8 MiB, or what fits into a segment. */
  readonly groupBytesMax?: number
  /** Most records that wait or are being flushed; by default 65536. */
  readonly queueRecordsMax?: number
  /** Most bytes that wait or are being flushed, frames included; by default 64 MiB. */
  readonly queueBytesMax?: number
  /** How often room for a new segment is looked for while there is none; by default 1 s. */
  readonly spaceRetryMs?: number
  /** From this length of a sealed segment on, opening checks frames in a thread of its own; by default 8 MiB. */
  readonly checkAheadBytes?: number
  readonly files?: Files
  readonly clock?: Clock
  /** Where the log id and the log secret come from; for tests that must repeat themselves. */
  readonly randomBytes?: (sizeBytes: number) => Buffer
  /**
   * Called once when a write or a flush failed. Nothing after that is acknowledged: the owner logs it and
   * ends the process, and the next one recovers what is on the disk.
   */
  readonly onFatal: (error: Error) => void
  /** Must not throw. */
  readonly onEvent?: (event: WalEvent) => void
  /**
   * Called for every intact record, in order, while the log is opened, so that the owner builds its index in
   * the same pass. The buffers of the record are valid only during the call: copy what is kept.
   */
  readonly visit?: (record: VisitedRecord, location: RecordLocation) => void
  /**
   * Given, sealed segments have checkpoints, and opening reads these in their place: `visit` then sees records whose body
   * is what this made of it, with their true `bodyLength`, and without digest and chain.
   */
  readonly brief?: BriefOf
}

export interface Limits {
  readonly segmentBytes: number
  readonly recordBytesMax: number
  readonly groupRecordsMax: number
  readonly groupBytesMax: number
  readonly queueRecordsMax: number
  readonly queueBytesMax: number
  readonly spaceRetryMs: number
}

export interface Settings extends Limits {
  readonly checkAheadBytes: number
  readonly files: Files
  readonly clock: Clock
  readonly randomBytes: ((sizeBytes: number) => Buffer) | undefined
  readonly onFatal: (error: Error) => void
  readonly onEvent: (event: WalEvent) => void
  readonly visit: ((record: VisitedRecord, location: RecordLocation) => void) | undefined
  readonly brief: BriefOf | undefined
}

const MIB = 1 << 20
const SEGMENT_BYTES_MIN = 2 * SEGMENT_HEADER_BYTES
const SEGMENT_BYTES_MAX = 1024 * MIB
const GROUP_RECORDS_MAX = 65_535

/** The options with their defaults; rejects those that cannot be kept, with the WalError `invalid`. */
export function settingsOf(options: LogOptions): Settings {
  const segmentBytes = within(
    'segmentBytes',
    options.segmentBytes ?? 64 * MIB,
    SEGMENT_BYTES_MIN,
    SEGMENT_BYTES_MAX,
  )
  const roomBytes = segmentBytes - SEGMENT_HEADER_BYTES
  const groupBytesMax = within(
    'groupBytesMax',
    options.groupBytesMax ?? Math.min(8 * MIB, roomBytes),
    FRAME_OVERHEAD_BYTES,
    roomBytes,
  )
  const longest = groupBytesMax - FRAME_OVERHEAD_BYTES
  const recordBytesMax = within(
    'recordBytesMax',
    options.recordBytesMax ?? Math.min(MIB, longest),
    0,
    longest,
  )
  const groupRecordsMax = within('groupRecordsMax', options.groupRecordsMax ?? 4096, 1, GROUP_RECORDS_MAX)
  const safe = Number.MAX_SAFE_INTEGER
  return {
    segmentBytes,
    recordBytesMax,
    groupRecordsMax,
    groupBytesMax,
    queueRecordsMax: within(
      'queueRecordsMax',
      options.queueRecordsMax ?? Math.max(65_536, groupRecordsMax),
      groupRecordsMax,
      safe,
    ),
    queueBytesMax: within(
      'queueBytesMax',
      options.queueBytesMax ?? Math.max(64 * MIB, groupBytesMax),
      groupBytesMax,
      safe,
    ),
    spaceRetryMs: within('spaceRetryMs', options.spaceRetryMs ?? 1000, 1, 3_600_000),
    checkAheadBytes: within('checkAheadBytes', options.checkAheadBytes ?? 8 * MIB, 0, safe),
    files: options.files ?? nodeFiles,
    clock: options.clock ?? systemClock,
    randomBytes: options.randomBytes,
    onFatal: options.onFatal,
    onEvent: options.onEvent ?? (() => undefined),
    visit: options.visit,
    brief: options.brief,
  }
}

function within(name: string, value: number, min: number, max: number): number {
  if (Number.isSafeInteger(value) && value >= min && value <= max) return value
  throw new WalError('invalid', `${name} is ${value}; it must be an integer from ${min} to ${max}.`)
}
