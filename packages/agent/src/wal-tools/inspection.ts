import type { LogHead, LogRecord, SegmentInfo } from '@fractal-lba/wal'
import { type Finding, withLogView } from './log-view.js'
import type { PinnedLog } from './pinned-log.js'
import { type BodyReader, loadBodyReader, RECORD_TYPE, typeName } from './record-bodies.js'

/** A submission that no mark has finished. */
export interface OpenSubmission {
  readonly sequence: number
  readonly appendedAtMs: number
}

/** `damaged`: the next start would quarantine it. */
export type SegmentState = 'sealed' | 'active' | 'quarantined' | 'damaged'

export interface InspectedSegment extends Omit<SegmentInfo, 'active' | 'quarantined'> {
  readonly state: SegmentState
  /** why it is damaged, or what its end holds that is no whole flush group */
  readonly remark: string | undefined
}

export interface Inspection {
  readonly logId: string
  readonly head: LogHead
  readonly segments: readonly InspectedSegment[]
  /** Other files in the directory: torn tails that were set aside, and what is not the log's. */
  readonly others: readonly string[]
  /** Number of records by the name of their type. */
  readonly counts: ReadonlyMap<string, number>
  readonly droppedBodies: number
  /** Number of marks by the status that they carry. */
  readonly statuses: ReadonlyMap<number, number>
  /** Oldest first. */
  readonly open: readonly OpenSubmission[]
  /** What the marks of now must carry; empty before the first fence. */
  readonly generation: string
  /** Marks and fences whose body is there, but is no such message. */
  readonly unreadable: number
  /** Wall clock of the oldest and the newest append; `undefined` when there is no record. */
  readonly timesMs: { readonly first: number; readonly last: number } | undefined
}

/** What a log holds, from one reading of it. */
export async function inspectPinned(pinned: PinnedLog): Promise<Inspection> {
  const books = new Books(await loadBodyReader())
  return withLogView(
    pinned,
    (record) => books.enter(record),
    async ({ log, findings }) => ({
      logId: log.logId,
      head: log.head(),
      segments: log.segments().map((segment) => inspected(pinned, segment, findings)),
      others: pinned.others,
      ...books.result(),
    }),
  )
}

function inspected(pinned: PinnedLog, info: SegmentInfo, findings: readonly Finding[]): InspectedSegment {
  const { active, quarantined, ...rest } = info
  const name = pinned.onDisk(info.name)
  const damage = findings.find(({ kind, segment }) => kind === 'damaged' && segment === name)
  const state = damage ? 'damaged' : quarantined ? 'quarantined' : active ? 'active' : 'sealed'
  const found = findings.find(({ segment }) => segment === name)
  return { ...rest, name, state, remark: found && remarkOf(found) }
}

function remarkOf(finding: Finding): string {
  if (finding.kind === 'damaged') return finding.reason
  return `${finding.sizeBytes} bytes from byte ${finding.offset} on are no whole flush group`
}

/** The state of a log that follows from its records, as the wal service derives it. */
class Books {
  readonly #bodies: BodyReader
  readonly #counts = new Map<number, number>()
  readonly #statuses = new Map<number, number>()
  // A Map keeps the order of insertion, which is the order of the log.
  readonly #open = new Map<number, number>()
  #generation = ''
  #dropped = 0
  #unreadable = 0
  #times: { first: number; last: number } | undefined

  constructor(bodies: BodyReader) {
    this.#bodies = bodies
  }

  enter(record: LogRecord): void {
    const { type, sequence, timeMs, body } = record
    this.#counts.set(type, (this.#counts.get(type) ?? 0) + 1)
    this.#times = { first: this.#times?.first ?? timeMs, last: timeMs }
    if (body === undefined) this.#dropped += 1
    if (type === RECORD_TYPE.submission) this.#open.set(sequence, timeMs)
    else if (type === RECORD_TYPE.mark) this.#close(record)
    else if (type === RECORD_TYPE.fence) {
      const generation = this.#bodies.fence(record)
      if (generation === undefined) this.#unreadable += body === undefined ? 0 : 1
      else this.#generation = generation
    }
  }

  #close(record: LogRecord): void {
    const mark = this.#bodies.mark(record)
    if (mark === undefined) {
      this.#unreadable += record.body === undefined ? 0 : 1
      return
    }
    this.#statuses.set(mark.status, (this.#statuses.get(mark.status) ?? 0) + 1)
    this.#open.delete(mark.sequence)
  }

  result() {
    const byNumber = (a: [number, number], b: [number, number]): number => a[0] - b[0]
    return {
      counts: new Map([...this.#counts].sort(byNumber).map(([type, count]) => [typeName(type), count])),
      droppedBodies: this.#dropped,
      statuses: new Map([...this.#statuses].sort(byNumber)),
      open: [...this.#open].map(([sequence, appendedAtMs]) => ({ sequence, appendedAtMs })),
      generation: this.#generation,
      unreadable: this.#unreadable,
      timesMs: this.#times,
    }
  }
}
