import type { Entry, StoredVerdict } from '../store.js'
import { sameMessage } from '../verdict.js'
import { sameEntry } from './finding.js'

/** A mark that says which verdict stands under an id, and until when if it is the first to say so. */
export interface VerdictMark {
  readonly verdict: StoredVerdict
  /** The time of its flush and the TTL. */
  readonly expiresAtMs: number
}

export interface Settlement {
  /** What is to be stored; undefined: what is there may stay. */
  readonly write: Entry | undefined
  /** corrected: the store held something else. conflict: two marks contradict each other, which no fault may cause. */
  readonly finding: 'agrees' | 'added' | 'corrected' | 'conflict' | 'over'
}

const AGREES: Settlement = { write: undefined, finding: 'agrees' }
const OVER: Settlement = { write: undefined, finding: 'over' }

/**
 * What a mark means for the entry under its id. Marks come in any order, from several logs, and several for one
 * life of an id (duplicates carry the verdict of the first): the earliest one says when it expires.
 *
 * @param standing the entry, if there is one that has not expired.
 * @param lifeIsOver whether this verdict is known to have expired; asked only when the mark alone cannot tell,
 * because it was flushed less than a TTL ago, but judged more than a TTL ago: a late duplicate, or a late replay.
 */
export function settleMark(
  standing: Entry | undefined,
  mark: VerdictMark,
  nowMs: number,
  ttlMs: number,
  lifeIsOver: () => boolean,
): Settlement {
  const { verdict, expiresAtMs } = mark
  if (standing && sameLife(standing.verdict, verdict)) return settleSameLife(standing, mark)
  if (expiresAtMs <= nowMs) return OVER
  if (verdict.judgedAtMs + ttlMs <= nowMs && lifeIsOver()) return OVER
  const write: Entry = { verdict, expiresAtMs, marked: true }
  if (!standing) return { write, finding: 'added' }
  if (!standing.marked) return { write, finding: 'corrected' }

  const laterMs = verdict.judgedAtMs - standing.verdict.judgedAtMs
  // An id that has expired may be judged anew: two lives, at least a TTL apart, and the later one counts.
  if (laterMs >= ttlMs) return { write, finding: 'added' }
  if (laterMs <= -ttlMs) return OVER
  const conflict = Buffer.compare(standing.verdict.fingerprint, verdict.fingerprint) !== 0
  return { write: laterMs < 0 ? write : undefined, finding: conflict ? 'conflict' : 'agrees' }
}

function settleSameLife(standing: Entry, { verdict, expiresAtMs }: VerdictMark): Settlement {
  const differs = !sameMessage(standing.verdict, verdict)
  const firstExpiresAtMs = standing.marked ? Math.min(standing.expiresAtMs, expiresAtMs) : expiresAtMs
  if (!differs && standing.marked && firstExpiresAtMs === standing.expiresAtMs) return AGREES
  const write: Entry = { verdict, expiresAtMs: firstExpiresAtMs, marked: true }
  return { write, finding: differs ? 'corrected' : 'agrees' }
}

/** The same judgement of the same entry, told again. */
export function sameLife(a: StoredVerdict, b: StoredVerdict): boolean {
  return sameEntry(a.origin, b.origin) && Buffer.compare(a.fingerprint, b.fingerprint) === 0
}
