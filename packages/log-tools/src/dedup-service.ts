import { dedup } from '@fractal-lba/proto'
import { AppError, callUnary, clientOptions, fromServiceError } from '@fractal-lba/runtime'
import { type ClientReadableStream, credentials, status as Grpc, type ServiceError } from '@grpc/grpc-js'

/** Why a dedup service did not do what it was asked for, as a sentence for people. */
export class DedupServiceError extends Error {
  override readonly name = 'DedupServiceError'

  constructor(
    message: string,
    /** The same may succeed later. */
    readonly mayPass: boolean,
    options?: ErrorOptions,
  ) {
    super(message, options)
  }
}

/** A running dedup service, asked by its own calls. All of them reject with a DedupServiceError. */
export interface DedupService {
  /** host:port */
  readonly address: string
  state(): Promise<dedup.GetStateResponse>
  /** @param timeoutMs how long to wait for its end; it goes on in the service when that is over */
  rebuild(timeoutMs: number): AsyncGenerator<dedup.RebuildResponse>
  verify(timeoutMs: number): AsyncGenerator<dedup.VerifyResponse>
  close(): void
}

const CALL_TIMEOUT_MS = 10_000

export function connectDedupService(address: string): DedupService {
  const client = new dedup.DedupServiceClient(address, credentials.createInsecure(), clientOptions)
  return {
    address,
    async state() {
      try {
        return await callUnary(client.getState.bind(client), {}, CALL_TIMEOUT_MS)
      } catch (error) {
        throw explained(address, error)
      }
    },
    rebuild: (timeoutMs) => read(address, client.rebuild({}, { deadline: Date.now() + timeoutMs })),
    verify: (timeoutMs) => read(address, client.verify({}, { deadline: Date.now() + timeoutMs })),
    close: () => client.close(),
  }
}

async function* read<Response>(
  address: string,
  stream: ClientReadableStream<Response>,
): AsyncGenerator<Response> {
  try {
    yield* stream as AsyncIterable<Response>
  } catch (error) {
    throw explained(address, isServiceError(error) ? fromServiceError(error) : error)
  } finally {
    stream.cancel()
  }
}

function explained(address: string, error: unknown): unknown {
  if (!(error instanceof AppError)) return error
  const options = { cause: error }
  // What the transport says has the error of gRPC as its cause; what the service says is its own sentence.
  const code = isServiceError(error.cause) ? error.cause.code : undefined
  switch (code) {
    case Grpc.UNAVAILABLE:
      return new DedupServiceError(`no dedup service answers at ${address}: is it running?`, true, options)
    case Grpc.DEADLINE_EXCEEDED:
      return new DedupServiceError(`the dedup service at ${address} did not end in time`, true, options)
    case Grpc.UNIMPLEMENTED:
      return new DedupServiceError(
        `what answers at ${address} is no dedup service of this version`,
        false,
        options,
      )
    default:
      return new DedupServiceError(
        `the dedup service at ${address}: ${error.message}`,
        error.code === 'unavailable',
        options,
      )
  }
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && 'code' in error && typeof error.code === 'number'
}
