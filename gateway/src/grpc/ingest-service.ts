import { BinaryReader, WireType } from '@bufbuild/protobuf/wire'
import { recordProblems } from '@fractal-lba/http-api'
import { ingest, record } from '@fractal-lba/proto'
import {
  AppError,
  type CallContext,
  type CallerShares,
  type GrpcService,
  grpcService,
  type HandledCall,
  type Logger,
  monotonicMs,
  toAppError,
  toStatus,
  type Work,
  withJitter,
} from '@fractal-lba/runtime'
import type { Admission, Caller } from '../admission.js'
import type { Answer, Answered } from '../decision.js'
import type { Ingest, Submission } from '../ingest.js'
import { requestIdFrom } from '../request-id.js'
import type { SubmissionReport } from '../submission-report.js'
import { traceContextOf } from '../trace-context.js'
import { endBatchTrace, endTrace, type SubmissionTraces } from '../traces.js'

const BATCH_RECORDS_MAX = 256
const BATCH_BYTES_MAX = 4 * 2 ** 20
const BATCH_TOO_LARGE = `a batch has at most ${BATCH_RECORDS_MAX} records and ${BATCH_BYTES_MAX} bytes`
/** The largest batch with the edges of its records. */
export const REQUEST_BYTES_MAX = BATCH_BYTES_MAX + 64 * 2 ** 10

/**
 * The bytes of the records in a SubmitRequest or SubmitBatchRequest. They are not decoded here: the log keeps them
 * as they came, and the verifier alone reads them.
 */
type RawRecords = readonly Buffer[]

/** One in this process: it has no address. */
const NO_CALLER: Caller = { peer: '', forwardedFor: undefined }

/** What is known of a call beside its request. */
interface IngestCall {
  readonly requestId: string
  readonly context: CallContext | undefined
  readonly caller: Caller
  /** Tells the caller something beside the answer, where there is something. */
  readonly tell: (name: string, value: string | undefined) => void
}

export interface IngestServiceParts {
  readonly ingest: Ingest
  readonly admission: Admission
  readonly report: SubmissionReport
  /** What an unavailable answer tells in RetryInfo, before the jitter. */
  readonly retryAfterMs: number
  readonly logger: Logger
  readonly traces: SubmissionTraces | undefined
}

/** flk.ingest.v1.IngestService: the same way as POST /v1/pcs/submit. */
export function ingestService({
  ingest: way,
  admission,
  report,
  retryAfterMs,
  logger,
  traces,
}: IngestServiceParts): GrpcService {
  const answerOf = async (submission: Submission): Promise<Answer> => {
    try {
      return admission.admit(submission.body.length, submission.client) ?? (await way.submit(submission))
    } catch (error) {
      return toAppError(error)
    }
  }
  const submit = async (
    body: Buffer,
    trace: Work | undefined,
    { context, caller, requestId }: IngestCall,
  ): Promise<ingest.StoredOutcome> => {
    const completeMs = monotonicMs()
    const submission: Submission = {
      body,
      encoding: record.Encoding.ENCODING_PROTOBUF,
      context: trace ?? context,
      client: admission.clientOf(caller),
    }
    const answer = await answerOf(submission)
    endTrace(trace, answer, requestId)
    const elapsedMs = monotonicMs() - completeMs
    report.answered(answer, { front: 'grpc', requestId, elapsedMs, submission })
    if (answer instanceof AppError) throw answer
    return storedOutcome(answer)
  }

  return grpcService(rawDefinition(), {
    submit: answering(async (records: RawRecords, call) => {
      const trace = traces?.overGrpc(call.context)
      try {
        // A field that occurs twice is merged, and merging is what concatenation of the bytes means in protobuf.
        return { result: await submit(Buffer.concat(records), trace, call) }
      } finally {
        call.tell('traceresponse', trace?.traceresponse)
      }
    }),
    submitBatch: answering(async (records: RawRecords, call) => {
      const { requestId } = call
      const bytes = records.reduce((sum, record) => sum + record.length, 0)
      if (records.length > BATCH_RECORDS_MAX || bytes > BATCH_BYTES_MAX) {
        report.refused(recordProblems.too_large, BATCH_TOO_LARGE, { front: 'grpc', requestId })
        throw new AppError('too_large', BATCH_TOO_LARGE)
      }
      const trace = traces?.batch('grpc', call.context, records.length)
      const one = (body: Buffer) => submit(body, trace && traces?.submissionOf(trace, 'grpc'), call)
      const results = await Promise.all(records.map((record) => resultOf(one(record), requestId)))
      endBatchTrace(trace)
      call.tell('traceresponse', trace?.traceresponse)
      return { results }
    }),
    getOutcome: answering(async ({ pcsId }: ingest.GetOutcomeRequest) => {
      return { result: storedOutcome(await way.outcome(pcsId)) }
    }),
  })

  function answering<Request, Response>(
    answerTo: (request: Request, call: IngestCall) => Promise<Response>,
  ): (request: Request, call: Omit<HandledCall, 'draining'>) => Promise<Response> {
    return async (request, { context, tell, caller = NO_CALLER, requestId: offered }) => {
      const call: IngestCall = {
        requestId: requestIdFrom(offered),
        context: traceContextOf(context?.traceparent, context?.tracestate),
        caller,
        tell(name, value) {
          if (value !== undefined) tell?.(name, value)
        },
      }
      call.tell('x-request-id', call.requestId)
      try {
        return await answerTo(request, call)
      } catch (error) {
        throw withRetryInfo(error, call.requestId)
      }
    }
  }

  async function resultOf(
    outcome: Promise<ingest.StoredOutcome>,
    requestId: string,
  ): Promise<ingest.SubmitResult> {
    try {
      return { result: { $case: 'outcome', value: await outcome } }
    } catch (error) {
      return { result: { $case: 'error', value: toStatus(withRetryInfo(error, requestId)) } }
    }
  }

  /** What is unavailable comes with the time to try again, a different one for each caller. */
  function withRetryInfo(error: unknown, requestId: string): AppError {
    const known = toAppError(error)
    if (known.code === 'internal') logger.error({ requestId, err: error }, 'a submission failed unexpectedly')
    const isUnavailable = known.code === 'unavailable' || known.code === 'superseded'
    if (!isUnavailable || known.retryAfterMs !== undefined) return known
    const waitMs = Math.round(withJitter(retryAfterMs))
    return new AppError('unavailable', known.message, { retryAfterMs: waitMs, cause: known })
  }
}

/** What each client may send of submissions, refused before they are read; what was refused unread counts as sent. */
export function callerShares(admission: Admission, report: SubmissionReport): CallerShares {
  const { submit, submitBatch } = ingest.IngestServiceService
  const paths: readonly string[] = [submit.path, submitBatch.path]
  return {
    refusalAhead(path, caller) {
      if (!paths.includes(path)) return undefined
      const refusal = admission.refusalAhead(admission.clientOf(caller), 0)
      if (refusal) report.answered(refusal, { front: 'grpc' })
      return refusal
    },
    refuse(caller, sentBytes, answer) {
      const client = admission.clientOf(caller)
      if (sentBytes > 0) admission.charge(client, sentBytes)
      const delayMs = admission.refusalDelayMs(client)
      if (delayMs === 0) answer()
      else setTimeout(answer, delayMs)
    },
  }
}

/** The service's definition, with requests that carry records read only as far as the records' edges. */
function rawDefinition() {
  const { submit, submitBatch, getOutcome } = ingest.IngestServiceService
  const raw = { requestDeserialize: recordsOf, requestBytesMax: REQUEST_BYTES_MAX }
  return {
    submit: { ...submit, ...raw },
    submitBatch: { ...submitBatch, ...raw },
    getOutcome,
  }
}

/** Field 1, however often it occurs: SubmitRequest.record and SubmitBatchRequest.records have the same number. */
export function recordsOf(bytes: Buffer): RawRecords {
  const reader = new BinaryReader(bytes)
  const records: Buffer[] = []
  try {
    while (reader.pos < reader.len) {
      const [field, type] = reader.tag()
      if (field === 1 && type === WireType.LengthDelimited) records.push(viewOf(reader.bytes()))
      else reader.skip(type, field)
    }
    return records
  } catch {
    // No message at all: it goes into the log as it came, like malformed JSON does, and the verifier says so.
    return [bytes]
  }
}

/** The same memory: the message lives until the last of its records is answered. */
function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength)
}

function storedOutcome({ outcome, status, replayed }: Answered): ingest.StoredOutcome {
  return { outcome, httpStatus: status, replayed }
}
