import { BinaryReader, WireType } from '@bufbuild/protobuf/wire'
import { ingest, record } from '@fractal-lba/proto'
import {
  AppError,
  type CallContext,
  type GrpcService,
  grpcService,
  type Logger,
  toAppError,
  toStatus,
} from '@fractal-lba/runtime'
import type { Admission } from '../http/ingest-port.js'
import { type Answered, type Ingest, statusOf } from '../ingest.js'
import type { RateLimit } from '../rate-limit.js'
import { withJitter } from '../retry-after.js'

const BATCH_RECORDS_MAX = 256
const BATCH_BYTES_MAX = 4 * 2 ** 20

/**
 * The bytes of the records in a SubmitRequest or SubmitBatchRequest. They are not decoded here: the log keeps them
 * as they came, and the verifier alone reads them.
 */
type RawRecords = readonly Buffer[]

export interface IngestServiceParts {
  readonly ingest: Ingest
  readonly admission: Admission
  readonly rateLimit: RateLimit
  readonly recordBytesMax: number
  /** What an unavailable answer tells in RetryInfo, before the jitter. */
  readonly retryAfterMs: number
  readonly logger: Logger
}

/** flk.ingest.v1.IngestService: the same way as POST /v1/pcs/submit. */
export function ingestService(parts: IngestServiceParts): GrpcService {
  const { ingest: way, admission, rateLimit, recordBytesMax, retryAfterMs, logger } = parts
  const submit = async (body: Buffer, traceparent: string): Promise<ingest.StoredOutcome> => {
    if (body.length > recordBytesMax)
      throw new AppError('too_large', `a record has at most ${recordBytesMax} bytes`)
    const refusal = rateLimit.take(1) ?? admission.room()
    if (refusal) throw refusal
    const encoding = record.Encoding.ENCODING_PROTOBUF
    return stored(await way.submit({ body, encoding, traceparent }))
  }

  return grpcService(rawDefinition(), {
    submit: handled(async (records: RawRecords, traceparent) => {
      // A field that occurs twice is merged, and merging is what concatenation of the bytes means in protobuf.
      return { result: await submit(Buffer.concat(records), traceparent) }
    }),
    submitBatch: handled(async (records: RawRecords, traceparent) => {
      const bytes = records.reduce((sum, record) => sum + record.length, 0)
      if (records.length > BATCH_RECORDS_MAX || bytes > BATCH_BYTES_MAX) {
        throw new AppError(
          'too_large',
          `a batch has at most ${BATCH_RECORDS_MAX} records and ${BATCH_BYTES_MAX} bytes`,
        )
      }
      return { results: await Promise.all(records.map((record) => resultOf(submit(record, traceparent)))) }
    }),
    getOutcome: handled(async ({ pcsId }: ingest.GetOutcomeRequest) => {
      return { result: stored(await way.outcome(pcsId)) }
    }),
  })

  function handled<Request, Response>(
    answerTo: (request: Request, traceparent: string) => Promise<Response>,
  ): (request: Request, call: { readonly context: CallContext | undefined }) => Promise<Response> {
    return async (request, { context }) => {
      try {
        return await answerTo(request, context?.traceparent ?? '')
      } catch (error) {
        throw said(error)
      }
    }
  }

  async function resultOf(outcome: Promise<ingest.StoredOutcome>): Promise<ingest.SubmitResult> {
    try {
      return { result: { $case: 'outcome', value: await outcome } }
    } catch (error) {
      return { result: { $case: 'error', value: toStatus(said(error)) } }
    }
  }

  function said(error: unknown): AppError {
    const known = toAppError(error)
    if (known.code === 'internal') logger.error({ err: error }, 'a submission failed unexpectedly')
    return withRetryInfo(known, retryAfterMs)
  }
}

/** Whoever is told that something is unavailable is told when to try again, not all of them at once. */
function withRetryInfo(error: AppError, retryAfterMs: number): AppError {
  if (error.retryAfterMs !== undefined || (error.code !== 'unavailable' && error.code !== 'superseded'))
    return error
  const waitMs = Math.round(withJitter(retryAfterMs))
  return new AppError('unavailable', error.message, { retryAfterMs: waitMs, cause: error })
}

/** The service's definition, with requests that carry records read only as far as the records' edges. */
function rawDefinition() {
  const { submit, submitBatch, getOutcome } = ingest.IngestServiceService
  return {
    submit: { ...submit, requestDeserialize: recordsOf },
    submitBatch: { ...submitBatch, requestDeserialize: recordsOf },
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
      if (field === 1 && type === WireType.LengthDelimited) records.push(Buffer.from(reader.bytes()))
      else reader.skip(type, field)
    }
    return records
  } catch {
    // No message at all: it goes into the log as it came, like malformed JSON does, and the verifier says so.
    return [bytes]
  }
}

function stored({ outcome, replayed }: Answered): ingest.StoredOutcome {
  return { outcome, httpStatus: statusOf(outcome), replayed }
}
