import type { wal } from '@fractal-lba/proto'
import type { LogHead, LogRecord, SegmentInfo } from '@fractal-lba/wal'
import { type Finding, withLogView } from './log-view.js'
import type { PinnedLog } from './pinned-log.js'
import { type BodyReader, loadBodyReader, RECORD_TYPE, typeName } from './record-bodies.js'

/** A submission that no mark has finished. */
export interface OpenSubmission {
  readonly sequence: number
  readonly appendedAtMs: number
}

/** A submission that replay could not finish for a reason of its own. */
export interface DeadLetter extends OpenSubmission {
  readonly reason: string
  readonly tries: number
  readonly setAsideAtMs: number
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
  /** In the order in which they were set aside. */
  readonly deadLetters: readonly DeadLetter[]
  /** What the marks of now must carry; empty before the first fence. */
  readonly generation: string
  /** Records other than submissions whose body is there, but is no such message. */
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
  readonly #dead = new Map<number, DeadLetter>()
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
    // only the body of what is done is ever dropped, and its mark may have gone since
    if (body === undefined) return
    if (type === RECORD_TYPE.submission) this.#open.set(sequence, timeMs)
    else if (!this.#understand(record)) this.#unreadable += 1
  }

  /** False when the record's body is no such message. */
  #understand(record: LogRecord): boolean {
    switch (record.type) {
      case RECORD_TYPE.mark: {
        const mark = this.#bodies.mark(record)
        if (mark === undefined) return false
        this.#statuses.set(mark.status, (this.#statuses.get(mark.status) ?? 0) + 1)
        this.#open.delete(mark.sequence)
        this.#dead.delete(mark.sequence)
        return true
      }
      case RECORD_TYPE.fence: {
        const generation = this.#bodies.fence(record)
        this.#generation = generation ?? this.#generation
        return generation !== undefined
      }
      case RECORD_TYPE['dead-letter']: {
        const letter = this.#bodies.deadLetter(record)
        if (letter !== undefined) this.#setAside(letter, record.timeMs)
        return letter !== undefined
      }
      case RECORD_TYPE['drive-again']: {
        const sequence = this.#bodies.redrive(record)
        if (sequence !== undefined) this.#openAgain(sequence)
        return sequence !== undefined
      }
      default:
        return true
    }
  }

  #setAside({ sequence, reason, tries }: wal.DeadLetter, setAsideAtMs: number): void {
    const appendedAtMs = this.#open.get(sequence)
    if (appendedAtMs === undefined) return
    this.#open.delete(sequence)
    this.#dead.set(sequence, { sequence, appendedAtMs, reason, tries, setAsideAtMs })
  }

  #openAgain(sequence: number): void {
    const letter = this.#dead.get(sequence)
    if (letter === undefined) return
    this.#dead.delete(sequence)
    this.#open.set(sequence, letter.appendedAtMs)
  }

  result() {
    const byNumber = (a: [number, number], b: [number, number]): number => a[0] - b[0]
    return {
      counts: new Map([...this.#counts].sort(byType).map(([type, count]) => [typeName(type), count])),
      droppedBodies: this.#dropped,
      statuses: new Map([...this.#statuses].sort(byNumber)),
      open: [...this.#open].sort(byNumber).map(([sequence, appendedAtMs]) => ({ sequence, appendedAtMs })),
      deadLetters: [...this.#dead.values()],
      generation: this.#generation,
      unreadable: this.#unreadable,
      timesMs: this.#times,
    }
  }
}

/** In the order in which a record meets them; the numbers follow the history of the format. */
function byType([a]: readonly [number, number], [b]: readonly [number, number]): number {
  const order: readonly number[] = Object.values(RECORD_TYPE)
  const rank = (type: number): number => (order.includes(type) ? order.indexOf(type) : order.length + type)
  return rank(a) - rank(b)
}
