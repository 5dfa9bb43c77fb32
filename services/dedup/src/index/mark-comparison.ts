import { dedup, verdictFromBytes, type wal } from '@fractal-lba/proto'
import type { ExpiryClock } from '@fractal-lba/runtime'
import type { Store, StoredVerdict } from '../store.js'
import { isComplete, sameMessage } from '../verdict.js'
import { ExpiredVerdicts } from './fill-memory.js'
import { markTimeMs, settleMark } from './mark-rule.js'
import type { WalLog } from './wal-log.js'

const { KIND_DIFFERENT, KIND_MISSING, KIND_UNREADABLE } = dedup.Difference_Kind
/** Differences listed for one stretch of a log: a store with more of them is to be rebuilt. */
const DIFFERENCES_MAX = 100

export interface ComparisonTools {
  readonly store: Pick<Store, 'getMany'>
  readonly ttlMs: number
  readonly clock: ExpiryClock
}

type Stretch = Pick<dedup.VerifyResponse, 'marks' | 'missing' | 'different' | 'unreadable' | 'differences'>

interface Comparable {
  readonly sequence: number
  readonly verdict: StoredVerdict
  readonly expiresAtMs: number
}

/** Finds what a fill of the store would change, by the same rule as the fill, without changing anything. */
export class MarkComparison {
  readonly #tools: ComparisonTools
  readonly #expired = new ExpiredVerdicts()

  constructor(tools: ComparisonTools) {
    this.#tools = tools
  }

  /** From the beginning of a log to its end as it is now. @throws AppError or a gRPC error */
  async *through(log: WalLog): AsyncGenerator<dedup.VerifyResponse> {
    const { logId } = await log.state()
    let fromSequence = 1
    for await (const { marks, nextSequence, endSequence } of log.readMarks(fromSequence)) {
      const stretch = await this.compare(marks)
      yield { logAddress: log.address, logId, fromSequence, nextSequence, endSequence, ...stretch }
      fromSequence = nextSequence
    }
  }

  /** A stretch of a log, in its order. */
  async compare(marks: readonly wal.StoredMark[]): Promise<Stretch> {
    const { store, clock } = this.#tools
    const stretch = { marks: 0, missing: 0, different: 0, unreadable: 0 }
    const differences: dedup.Difference[] = []
    const note = (kind: dedup.Difference_Kind, sequence: number, pcsId: string): void => {
      if (differences.length < DIFFERENCES_MAX) differences.push({ kind, sequence, pcsId })
    }
    const comparable = this.#readable(marks, (sequence) => {
      stretch.unreadable += 1
      note(KIND_UNREADABLE, sequence, '')
    })
    const nowMs = clock.expiredMs()
    const standing = await store.getMany(comparable.map(({ verdict }) => verdict.outcome.pcsId))
    for (const [index, mark] of comparable.entries()) {
      if (mark.expiresAtMs <= nowMs) this.#expired.add(mark.verdict.origin)
      const { pcsId } = mark.verdict.outcome
      const { write, finding } = settleMark(standing[index], mark, nowMs, this.#tools.ttlMs, () =>
        this.#expired.has(mark.verdict.origin),
      )
      if (finding === 'expired') continue
      stretch.marks += 1
      // An entry that differs only in its expiry or its marked flag has the same outcome: it is no difference.
      if (!write || sameMessage(write.verdict, standing[index]?.verdict)) {
        if (finding !== 'conflict') continue
      }
      const isMissing = standing[index] === undefined
      if (isMissing) stretch.missing += 1
      else stretch.different += 1
      note(isMissing ? KIND_MISSING : KIND_DIFFERENT, mark.sequence, pcsId)
    }
    return { ...stretch, differences }
  }

  #readable(marks: readonly wal.StoredMark[], onUnreadable: (sequence: number) => void): Comparable[] {
    const { ttlMs, clock } = this.#tools
    const latestMs = clock.latestMs()
    return marks.flatMap(({ sequence, flushedAtMs, mark }) => {
      if (!mark?.indexed) return []
      const verdict = verdictFromBytes(mark.verdict)
      if (isComplete(verdict)) {
        const expiresAtMs = markTimeMs(flushedAtMs, verdict.judgedAtMs, latestMs) + ttlMs
        return [{ sequence, verdict, expiresAtMs }]
      }
      onUnreadable(sequence)
      return []
    })
  }
}
