import { recordProblems } from '@fractal-lba/http-api'
import { record } from '@fractal-lba/proto'
import {
  AppError,
  type CallContext,
  monotonicMs,
  toAppError,
  unavailable,
  type Work,
} from '@fractal-lba/runtime'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Answer } from '../../decision.js'
import type { Submission } from '../../ingest.js'
import { traceContextOf } from '../../trace-context.js'
import { endBatchTrace, endTrace } from '../../traces.js'
import { type Refusal, refusalByHeaders } from '../admission.js'
import { readBody } from '../body.js'
import type { BatchLimits } from '../node-server.js'
import type { RouteDefinition } from '../route.js'
import { callerOf, rateFields, type SubmitParts } from '../submit.js'
import { BytesInFlight } from './bytes-in-flight.js'
import { inOrder } from './in-order.js'
import { type Line, linesOf, outcomeLine, problemLine } from './lines.js'

export interface BatchParts extends Omit<SubmitParts, 'bodyBytesMax' | 'bodyTimeoutMs'> {
  readonly recordBytesMax: number
  readonly limits: BatchLimits
}

/** The contract's section 9. */
const MEDIA_TYPE = 'application/x-ndjson'
const LINES_MAX = 1_000
const BYTES_MAX = 4 * 2 ** 20
const UNDER_WAY_MAX = 128
/** From the last byte of a batch to the end of its last line. */
const WORK_MS_MAX = 10_000
/** From there on to its last answer: a client that has not taken it all by then is cut off. */
const TAKE_MS_MAX = 30_000

const TOO_LARGE: Refusal = {
  kind: recordProblems.too_large,
  detail: `a batch has at most ${LINES_MAX} lines and ${BYTES_MAX} bytes`,
}
const NO_ROOM: Refusal = {
  kind: recordProblems.unavailable,
  detail: 'this gateway has as many bytes of batches in hand as it may',
}
const NO_LINE = new AppError('malformed', 'the batch has no line with a record')
const OUT_OF_TIME = 'the batch has taken as long as it may: this line was not begun'

/** A line that was let in, or why not. */
interface AdmittedLine extends Line {
  readonly refusal: AppError | undefined
}

/** What is known of a whole batch while its lines are worked on. */
interface Batch {
  readonly requestId: string
  readonly client: string
  readonly parent: CallContext | undefined
  readonly trace: Work | undefined
  /** Monotonic. */
  readonly untilMs: number
}

/**
 * `POST /v1/pcs/batch`: the contract's section 9. Each line goes the way of a single submission; here is what a batch
 * adds: reading it whole, a token for each line, and the answers in the order of the lines.
 */
export function batchRoute({
  answers,
  ingest,
  admission,
  rateLimit,
  report,
  recordBytesMax,
  limits,
  traces,
}: BatchParts): RouteDefinition {
  const bytesInFlight = new BytesInFlight(limits.bytesInFlightMax)
  return {
    method: 'POST',
    url: '/v1/pcs/batch',
    fields: () => rateFields(rateLimit),
    handle(request, reply) {
      request.client = admission.clientOf(callerOf(request))
      const refusal = refusalByHeaders(request.raw, MEDIA_TYPE, BYTES_MAX)
      if (refusal) {
        return refuse(request, reply, refusal.kind === recordProblems.too_large ? TOO_LARGE : refusal)
      }
      const declaredBytes = Number(request.headers['content-length'] ?? 0)
      // As for the first of its lines: that one decides for the whole.
      const isOver = admission.refusalAhead(request.client, Math.min(declaredBytes, recordBytesMax))
      if (isOver) return fail(request, reply, isOver)
      if (bytesInFlight.hasRoomFor(declaredBytes)) read(request, reply)
      else refuse(request, reply, NO_ROOM)
    },
  }

  function read(request: FastifyRequest, reply: FastifyReply): void {
    const held = bytesInFlight.hold()
    let isComplete = false
    request.raw.on('close', () => {
      if (!isComplete) held.release()
    })
    readBody(request, reply, {
      bytesMax: BYTES_MAX,
      timeoutMs: limits.bodyTimeoutMs,
      grown: (chunkBytes) => (held.take(chunkBytes) ? undefined : NO_ROOM),
      complete(_request, _reply, body) {
        isComplete = true
        submitAll(request, reply, body)
          .catch((error: unknown) => {
            answers.fail(request, reply, error)
            // Where the head has gone out already, its client must not take what came for all of it.
            if (!reply.raw.writableEnded) reply.raw.destroy()
          })
          .finally(() => held.release())
      },
      refused(_request, _reply, refusal) {
        held.release()
        // As much as it may have sent in vain.
        if (refusal !== NO_ROOM) admission.charge(request.client, BYTES_MAX)
        refuse(request, reply, refusal.kind === recordProblems.too_large ? TOO_LARGE : refusal)
      },
    })
  }

  /** The whole of it: nothing was taken. */
  function refuse(request: FastifyRequest, reply: FastifyReply, refusal: Refusal): void {
    if (refusal === NO_ROOM) answers.fail(request, reply, unavailable(NO_ROOM.detail))
    else answers.refuse(request, reply, refusal)
    report.refused(refusal.kind, refusal.detail, { front: 'batch', requestId: request.id })
  }

  function fail(request: FastifyRequest, reply: FastifyReply, error: AppError, elapsedMs?: number): void {
    answers.fail(request, reply, error)
    const took = elapsedMs === undefined ? {} : { elapsedMs }
    report.answered(error, { front: 'batch', requestId: request.id, ...took })
  }

  async function submitAll(request: FastifyRequest, reply: FastifyReply, body: Buffer): Promise<void> {
    const completeMs = monotonicMs()
    const lines = linesOf(body, LINES_MAX)
    const { client } = request
    if (!lines) {
      admission.charge(client, body.length)
      refuse(request, reply, TOO_LARGE)
      return
    }
    const admitted = admitAll(lines, client)
    if (admitted instanceof AppError) {
      fail(request, reply, admitted, monotonicMs() - completeMs)
      return
    }
    const { headers, startedMs } = request
    const parent = traceContextOf(headers.traceparent, headers.tracestate)
    request.trace = traces?.batch('batch', parent, admitted.length, startedMs)
    const untilMs = completeMs + WORK_MS_MAX
    const batch: Batch = { requestId: request.id, client, parent, trace: request.trace, untilMs }
    const head = { status: 200, type: MEDIA_TYPE }
    const answer = answers.stream(request, reply, head, untilMs + TAKE_MS_MAX)
    for await (const texts of inOrder(admitted, UNDER_WAY_MAX, (line) => answerText(line, batch))) {
      await answer.write(texts.join(''))
      if (answer.isGone) break
    }
    answer.end()
    endBatchTrace(request.trace)
  }

  /**
   * Line by line, in order, before any is worked on. The first that asks for a token decides for the whole.
   * @returns why nothing of the batch is taken, or its lines
   */
  function admitAll(lines: readonly Line[], client: string): readonly AdmittedLine[] | AppError {
    if (lines.length === 0) return NO_LINE
    const admitted: AdmittedLine[] = []
    let hasAsked = false
    for (const line of lines) {
      const refusal = admission.admit(line.body.length, client)
      const asks = refusal?.code !== 'too_large'
      if (!asks) admission.charge(client, line.body.length)
      if (asks && refusal && !hasAsked) return refusal
      hasAsked ||= asks
      admitted.push({ ...line, refusal })
    }
    return admitted
  }

  /** Never rejects. */
  async function answerText({ number, body, refusal }: AdmittedLine, batch: Batch): Promise<string> {
    const { requestId, client, parent } = batch
    const startMs = monotonicMs()
    const trace = batch.trace && traces?.submissionOf(batch.trace, 'batch')
    const encoding = record.Encoding.ENCODING_JSON
    const submission: Submission = { body, encoding, context: trace ?? parent, client }
    const answer = refusal ?? (await answerTo(submission, batch))
    endTrace(trace, answer, requestId)
    const elapsedMs = monotonicMs() - startMs
    report.answered(answer, { front: 'batch', requestId, elapsedMs, submission })
    return answer instanceof AppError
      ? problemLine(number, answers.told(answer, requestId))
      : outcomeLine(number, answer)
  }

  async function answerTo(submission: Submission, { untilMs }: Batch): Promise<Answer> {
    if (monotonicMs() >= untilMs) return unavailable(OUT_OF_TIME)
    try {
      return await ingest.submit(submission, untilMs)
    } catch (error) {
      return toAppError(error)
    }
  }
}
