import { hash } from 'node:crypto'
import { MalformedRecord, parseJson } from '@fractal-lba/pcs'
import type { record, wal } from '@fractal-lba/proto'
import type { LogHead, LogRecord, RecordLocation } from '@fractal-lba/wal'
import { type ChainProof, ChainWalk } from './chain-walk.js'
import { withLogView } from './log-view.js'
import type { PinnedLog } from './pinned-log.js'
import { type BodyReader, ENCODING, loadBodyReader, RECORD_TYPE, type ReadMark } from './record-bodies.js'

/** A record of the log as the audit found it. */
export interface AuditedRecord {
  readonly sequence: number
  readonly group: number
  readonly appendedAtMs: number
  readonly location: RecordLocation
  readonly proof: ChainProof
  /** whether the body has its digest; `undefined` when compaction dropped the body */
  readonly digestHolds: boolean | undefined
}

export interface AuditedMark extends AuditedRecord {
  readonly mark: ReadMark
}

/** One submission under the id, and what became of it. */
export interface Attempt extends AuditedRecord {
  /** Undefined where compaction has dropped the body. */
  readonly encoding: number | undefined
  readonly bodyBytes: number
  /** Set aside by replay and not driven again since. */
  readonly deadLetter: wal.DeadLetter | undefined
  /** None: it is open. */
  readonly marks: readonly AuditedMark[]
}

export interface AuditTrail {
  readonly pcsId: string
  readonly logId: string
  readonly head: LogHead
  /** What stands under the id: from the first mark that belongs into the index. */
  readonly verdict: record.Verdict | undefined
  /** In the order of the log. */
  readonly attempts: readonly Attempt[]
  /** Marks whose submission the log no longer holds: retention removed it, or it is damaged. */
  readonly strayMarks: readonly AuditedMark[]
  /** The last record whose link of the chain does not hold; 0 when all hold. */
  readonly lastBreak: number
  /** More than one: an integrity alarm, which no fault may produce (docs/contract.md, section 4). As hex. */
  readonly fingerprints: readonly string[]
}

/**
 * Reads the whole log for everything that concerns one id.
 * @param again called before a second reading, which is needed when compaction dropped bodies
 */
export async function auditPinned(pinned: PinnedLog, pcsId: string, again: () => void): Promise<AuditTrail> {
  const bodies = await loadBodyReader()
  const search = new Search(pcsId, bodies)
  const { logId, head, walk } = await readAll(pinned, (record, location, walk) =>
    search.enter(record, location, walk),
  )
  if (search.unseen.size > 0) {
    again()
    await readAll(pinned, (record, location, walk) => search.enterUnseen(record, location, walk))
  }
  return search.result(logId, head, walk)
}

async function readAll(
  pinned: PinnedLog,
  enter: (record: LogRecord, location: RecordLocation, walk: ChainWalk) => void,
): Promise<{ logId: string; head: LogHead; walk: ChainWalk }> {
  const walk = await ChainWalk.through(pinned)
  return withLogView(
    pinned,
    (record, location) => {
      walk.follow(record, location)
      enter(record, location, walk)
    },
    async ({ log }) => ({ logId: log.logId, head: log.head(), walk }),
  )
}

class Search {
  readonly #pcsId: string
  readonly #idBytes: Buffer
  readonly #bodies: BodyReader
  readonly #submissions = new Map<number, Omit<Attempt, 'marks' | 'deadLetter'>>()
  readonly #marks: AuditedMark[] = []
  readonly #letters = new Map<number, wal.DeadLetter>()
  /** Submissions that a mark names, but whose body compaction has dropped. */
  readonly unseen = new Set<number>()

  constructor(pcsId: string, bodies: BodyReader) {
    this.#pcsId = pcsId
    this.#idBytes = Buffer.from(pcsId)
    this.#bodies = bodies
  }

  enter(record: LogRecord, location: RecordLocation, walk: ChainWalk): void {
    if (record.type === RECORD_TYPE.submission) {
      if (this.#isWanted(record)) this.#addSubmission(record, location, walk)
    } else if (record.type === RECORD_TYPE.mark) {
      const mark = this.#bodies.mark(record)
      if (mark === undefined) return
      const known = this.#submissions.has(mark.sequence)
      if (!known && mark.verdict?.outcome?.pcsId !== this.#pcsId) return
      // A mark that was copied from another log has its submission there.
      if (!known && mark.sequence > 0) this.unseen.add(mark.sequence)
      this.#marks.push({ ...audited(record, location, walk), mark })
    } else if (record.type === RECORD_TYPE['dead-letter']) {
      const letter = this.#bodies.deadLetter(record)
      if (letter !== undefined) this.#letters.set(letter.sequence, letter)
    } else if (record.type === RECORD_TYPE['drive-again']) {
      this.#letters.delete(this.#bodies.redrive(record) ?? 0)
    }
  }

  enterUnseen(record: LogRecord, location: RecordLocation, walk: ChainWalk): void {
    if (record.type !== RECORD_TYPE.submission || !this.unseen.delete(record.sequence)) return
    this.#addSubmission(record, location, walk)
  }

  result(logId: string, head: LogHead, walk: ChainWalk): AuditTrail {
    const attempts = [...this.#submissions.values()]
      .sort((a, b) => a.sequence - b.sequence)
      .map((one) => ({
        ...one,
        deadLetter: this.#letters.get(one.sequence),
        marks: this.#marks.filter(({ mark }) => mark.sequence === one.sequence),
      }))
    const indexed = this.#marks.flatMap(({ mark: { indexed, verdict } }) =>
      indexed && verdict !== undefined && verdict.outcome?.pcsId === this.#pcsId ? [verdict] : [],
    )
    return {
      pcsId: this.#pcsId,
      logId,
      head,
      verdict: indexed[0],
      attempts,
      strayMarks: this.#marks.filter(({ mark }) => !this.#submissions.has(mark.sequence)),
      lastBreak: walk.lastBreak,
      fingerprints: [...new Set(indexed.map(({ fingerprint }) => fingerprint.toString('hex')))],
    }
  }

  #addSubmission(record: LogRecord, location: RecordLocation, walk: ChainWalk): void {
    const submission = this.#bodies.submission(record)
    const encoding = submission?.encoding
    const bodyBytes = submission?.body.length ?? record.bodyLength
    this.#submissions.set(record.sequence, { ...audited(record, location, walk), encoding, bodyBytes })
  }

  #isWanted(record: LogRecord): boolean {
    const submission = this.#bodies.submission(record)
    if (submission === undefined) return false
    const { body, encoding } = submission
    const plain = body.includes(this.#idBytes)
    if (encoding === ENCODING.protobuf) {
      return plain && this.#bodies.pcsRecord(body)?.pcsId === this.#pcsId
    }
    // JSON may spell the id with escapes
    return (plain || body.includes('\\u')) && idOfJson(body) === this.#pcsId
  }
}

function idOfJson(body: Buffer): unknown {
  try {
    const value = parseJson(body)
    return value instanceof Map ? value.get('pcs_id') : undefined
  } catch (error) {
    if (error instanceof MalformedRecord) return undefined
    throw error
  }
}

function audited(record: LogRecord, location: RecordLocation, walk: ChainWalk): AuditedRecord {
  const { sequence, group, timeMs, body, digest } = record
  return {
    sequence,
    group,
    appendedAtMs: timeMs,
    location,
    proof: walk.proof(record),
    digestHolds: body && hash('sha256', body, 'hex') === digest.toString('hex'),
  }
}

/** Whether each link from the record to the head of the log was recomputed and is equal. */
export function isTiedToHead({ lastBreak }: AuditTrail, { sequence }: AuditedRecord): boolean {
  return lastBreak <= sequence
}

/** Whether the record is what was written: its digest is that of its body, its chain that of its links. */
export function holds({ proof, digestHolds }: AuditedRecord): boolean {
  return digestHolds !== false && proof.recomputed === proof.chain && proof.segmentStart.holds
}
