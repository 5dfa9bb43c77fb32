import type { IndexEntry, StoredVerdict } from '../store.js'
import { sameMessage } from '../verdict.js'
import { samePosition } from './finding.js'

/** The verdict of a mark, and when it expires if this is its first mark. */
export interface VerdictMark {
  readonly verdict: StoredVerdict
  /** The time of the mark (markTimeMs) plus the TTL. */
  readonly expiresAtMs: number
}

/**
 * When a mark was made: the log's stamp; or, where that is before the judgement, the time of the judgement, because then
 * the log's clock was behind. A judgement that lies ahead counts as made now.
 *
 * @param latestMs the latest of the clocks that are known
 */
export function markTimeMs(flushedAtMs: number, judgedAtMs: number, latestMs: number): number {
  return Math.max(flushedAtMs, Math.min(judgedAtMs, latestMs))
}

export interface Settlement {
  /** The entry to be stored; undefined: the store need not change. */
  readonly write: IndexEntry | undefined
  /** corrected: the store had another verdict. conflict: two marks contradict each other, which no fault may cause. */
  readonly finding: 'agrees' | 'added' | 'corrected' | 'conflict' | 'expired'
}

const AGREES: Settlement = { write: undefined, finding: 'agrees' }
const EXPIRED: Settlement = { write: undefined, finding: 'expired' }

/**
 * Decides what a mark changes in the entry under its id. Marks come in any order and from several logs, and one
 * judgement can have several marks (those of duplicates carry the first one's verdict): it expires one TTL after the
 * earliest of them.
 *
 * @param standing the entry, if there is one that has not expired.
 * @param hasExpired whether this verdict is known to have expired; called only when the mark alone does not show it,
 * because it was flushed less than a TTL ago, but judged more than a TTL ago: a late duplicate, or a late replay.
 */
export function settleMark(
  standing: IndexEntry | undefined,
  mark: VerdictMark,
  nowMs: number,
  ttlMs: number,
  hasExpired: () => boolean,
): Settlement {
  const { verdict, expiresAtMs } = mark
  if (standing && sameJudgement(standing.verdict, verdict)) return settleSameJudgement(standing, mark)
  if (expiresAtMs <= nowMs) return EXPIRED
  if (verdict.judgedAtMs + ttlMs <= nowMs && hasExpired()) return EXPIRED
  const write: IndexEntry = { verdict, expiresAtMs, marked: true }
  if (!standing) return { write, finding: 'added' }
  if (!standing.marked) return { write, finding: 'corrected' }

  const laterMs = verdict.judgedAtMs - standing.verdict.judgedAtMs
  // An id that has expired may be judged anew. Such judgements are at least a TTL apart, and the later one counts.
  if (laterMs >= ttlMs) return { write, finding: 'added' }
  if (laterMs <= -ttlMs) return EXPIRED
  const conflict = Buffer.compare(standing.verdict.fingerprint, verdict.fingerprint) !== 0
  return { write: laterMs < 0 ? write : undefined, finding: conflict ? 'conflict' : 'agrees' }
}

function settleSameJudgement(standing: IndexEntry, { verdict, expiresAtMs }: VerdictMark): Settlement {
  const differs = !sameMessage(standing.verdict, verdict)
  const firstExpiresAtMs = standing.marked ? Math.min(standing.expiresAtMs, expiresAtMs) : expiresAtMs
  if (!differs && standing.marked && firstExpiresAtMs === standing.expiresAtMs) return AGREES
  const write: IndexEntry = { verdict, expiresAtMs: firstExpiresAtMs, marked: true }
  return { write, finding: differs ? 'corrected' : 'agrees' }
}

/** Whether both are the same judgement of the same record. */
export function sameJudgement(a: StoredVerdict, b: StoredVerdict): boolean {
  return samePosition(a.origin, b.origin) && Buffer.compare(a.fingerprint, b.fingerprint) === 0
}
