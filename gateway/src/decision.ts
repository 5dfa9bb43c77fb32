import { httpStatusOf } from '@fractal-lba/pcs'
import { dedup, outcomeOfVerdict, type record } from '@fractal-lba/proto'
import { AppError, unavailable } from '@fractal-lba/runtime'

/** An outcome, as it is answered. */
export interface Answered {
  readonly status: 200 | 202
  readonly outcome: record.Outcome
  /** The outcome was stored before this submission came. */
  readonly replayed: boolean
}

/** What a submission is answered with: an outcome, or the refusal that is its end (400, 401, 409). */
export type Answer = Answered | AppError

/** What is to be written of a submission, and answered once that is flushed. */
export interface Decision {
  readonly status: 200 | 202 | 400 | 401 | 409
  /** The verdict that stands (of a 409: the winner's), as the mark carries it; undefined for 400 and 401. */
  readonly verdict: Buffer | undefined
  /** The verdict belongs into the index. */
  readonly indexed: boolean
  /** Of the index that the verdict was put into or read from. */
  readonly generation: string
  readonly answer: Answer
}

const NOT_INDEXED = { indexed: false, generation: '' } as const

/** The end of a record that the verifier refused. @param refusal malformed or unauthenticated */
export function refused(refusal: AppError): Decision {
  const status = refusal.code === 'malformed' ? 400 : 401
  return { status, verdict: undefined, ...NOT_INDEXED, answer: refusal }
}

/** The end of a record whose id is not the hash of its parts: judged, and kept out of the index. */
export function judgedAlone(verdict: Buffer): Decision {
  const answer = answerOf(verdict, false)
  return { status: answer.status, verdict, ...NOT_INDEXED, answer }
}

/**
 * First write wins: what the index says stands.
 * @param own what was put; the index repeats it only where something else stands
 * @throws AppError unavailable where the index did not say what stands
 */
export function decidedByIndex(
  { finding, verdict: standing, generation }: dedup.Answer,
  own?: Buffer,
): Decision {
  const verdict = standing.length > 0 ? standing : own
  if (!verdict || (standing.length === 0 && finding !== dedup.Finding.FINDING_OWN)) {
    throw unavailable('dedup answered without a verdict')
  }
  if (finding === dedup.Finding.FINDING_CONFLICT) {
    return { status: 409, verdict, indexed: true, generation, answer: conflict() }
  }
  const answer = answerOf(verdict, finding === dedup.Finding.FINDING_DUPLICATE)
  return { status: answer.status, verdict, indexed: true, generation, answer }
}

/** @throws AppError unavailable where there is no outcome. */
export function stored(outcome: record.Outcome | undefined): Answered {
  return answered(outcome, true)
}

function answerOf(verdict: Buffer, replayed: boolean): Answered {
  return answered(outcomeOfVerdict(verdict), replayed)
}

function answered(outcome: record.Outcome | undefined, replayed: boolean): Answered {
  if (!outcome) throw unavailable('the stored verdict has no outcome')
  return { status: httpStatusOf(outcome), outcome, replayed }
}

function conflict(): AppError {
  return new AppError('pcs_conflict', 'a record with this pcs_id and other content has been judged before')
}
