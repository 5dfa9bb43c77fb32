import { type ProblemKind, problemOf } from '@fractal-lba/http-api'
import type { record } from '@fractal-lba/proto'
import { AppError, traceFields } from '@fractal-lba/runtime'
import type { Answer } from './decision.js'
import type { Submission } from './ingest.js'
import type { Example, Finding, RecentFindings } from './recent-findings.js'
import type { RecordLog } from './record-log.js'
import type { Front, SubmissionMetrics } from './submission-metrics.js'
import { sampledTraceId } from './trace-context.js'

/** A submission at the moment of its answer, as its front knows it. */
export interface AtAnswer {
  readonly front: Front
  readonly requestId?: string
  /** Since its last byte; undefined where it was refused before that came. */
  readonly elapsedMs?: number
  /** Undefined where it was refused before it was one. */
  readonly submission?: Submission
}

const MESSAGES = {
  refused: 'a record was refused',
  escalated: 'a record was escalated',
  failed: 'a record could not be finished',
} as const satisfies Record<Finding['what'], string>

/**
 * What the gateway tells of the submissions that it answers, whatever their front: metrics of all, a line of each that
 * was refused, escalated or failed, and the last ones of these for the page.
 */
export class SubmissionReport {
  readonly #metrics: SubmissionMetrics
  readonly #log: RecordLog
  readonly #findings: RecentFindings

  constructor(metrics: SubmissionMetrics, log: RecordLog, findings: RecentFindings) {
    this.#metrics = metrics
    this.#log = log
    this.#findings = findings
  }

  /** Once for each submission, when it is answered. */
  answered(answer: Answer, at: AtAnswer): void {
    this.#metrics.answered(at.front, statusOf(answer), at.elapsedMs, at.submission?.context)
    this.#tell(findingOf(answer), at)
  }

  /** Once for each that never became a submission, because of its headers or its length. */
  refused({ status, slug }: ProblemKind, detail: string, at: AtAnswer): void {
    this.#metrics.answered(at.front, status, at.elapsedMs, at.submission?.context)
    this.#tell({ what: 'refused', status, reason: reasonOf(slug), detail }, at)
  }

  /** A submission that was left open and is finished now; its client was answered long ago. */
  finishedByReplay(answer: Answer, submission: Submission): void {
    this.#tell(findingOf(answer), { submission })
  }

  /** A submission whose replay has failed, and will be tried again. */
  staysOpen(error: unknown, position: record.Position, submission: Submission): void {
    this.#log.write('warn', 'replay', 'replay: the submission stays open', () => ({
      ...{ err: error, position, pcsId: submission.pcsId },
      ...traceFields(submission.context),
    }))
  }

  #tell(finding: Finding | undefined, at: Partial<AtAnswer>): void {
    if (!finding) return
    this.#findings.add(finding, exampleOf(finding, at))
    const { what, status, reason, detail } = finding
    const { front, requestId, elapsedMs, submission } = at
    this.#log.write(what === 'failed' ? 'warn' : 'info', reason, MESSAGES[what], () => ({
      ...{ status, detail, front: front ?? 'replay', requestId, pcsId: submission?.pcsId },
      ...(elapsedMs !== undefined && { elapsedMs: Math.round(elapsedMs * 10) / 10 }),
      ...traceFields(submission?.context),
    }))
  }
}

function statusOf(answer: Answer): number {
  return answer instanceof AppError ? problemOf(answer.code).status : answer.status
}

/** What may stand on a page: an id from outside only where a signature vouches for it, and it is the hash of its parts. */
function exampleOf({ what, status, reason }: Finding, { requestId, submission }: Partial<AtAnswer>): Example {
  const isVerified = (what === 'escalated' && reason !== 'pcs_id_mismatch') || status === 409
  return {
    wallMs: Date.now(),
    requestId,
    pcsId: isVerified ? submission?.pcsId : undefined,
    traceId: sampledTraceId(submission?.context),
  }
}

/** Undefined of what is no news: a 200, and the duplicate of what was escalated before. */
function findingOf(answer: Answer): Finding | undefined {
  if (answer instanceof AppError) {
    const { status, slug } = problemOf(answer.code)
    return {
      what: status < 500 ? 'refused' : 'failed',
      status,
      reason: reasonOf(slug),
      detail: answer.message,
    }
  }
  const { status, outcome, replayed } = answer
  if (!outcome.escalated || replayed) return undefined
  return { what: 'escalated', status, reason: outcome.reason ?? 'unknown' }
}

/** Spelled as the reasons of escalations and the codes of errors are. */
function reasonOf(slug: string): string {
  return slug.replaceAll('-', '_')
}
