import { type Any, BadRequest, RetryInfo, Status } from '@fractal-lba/proto'
import { type CallOptions, type ClientUnaryCall, Metadata, type ServiceError } from '@grpc/grpc-js'

type UnaryMethod<Request, Response> = (
  request: Request,
  metadata: Metadata,
  options: Partial<CallOptions>,
  callback: (error: ServiceError | null, response: Response) => void,
) => ClientUnaryCall

const CALL_TIMEOUT_MS = 10_000

/** One call, its answer or the error as gRPC brings it. */
export function unary<Request, Response>(
  method: UnaryMethod<Request, Response>,
  request: Request,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    method(request, new Metadata(), { deadline: Date.now() + CALL_TIMEOUT_MS }, (error, response) =>
      error ? reject(error) : resolve(response),
    )
  })
}

/** An error as a client sees it, with the typed details of its trailer. */
export interface Refusal {
  readonly code: number
  readonly message: string
  /** Undefined: there is no google.rpc.BadRequest. */
  readonly violations: readonly { readonly field: string; readonly description: string }[] | undefined
  /** Undefined: there is no google.rpc.RetryInfo. */
  readonly retryAfterMs: number | undefined
}

/** The refusal that a call must end with. @throws Error when it succeeds. */
export async function refusalOf(call: Promise<unknown>): Promise<Refusal> {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!isServiceError(error)) throw new Error('the call was expected to be refused', { cause: error })
  const encoded = error.metadata.get('grpc-status-details-bin')[0]
  const details = Buffer.isBuffer(encoded) ? Status.decode(encoded).details : []
  return { code: error.code, message: error.details, ...typedDetails(details) }
}

/** The same of an item's status in a batch. */
export function refusalIn({ code, message, details }: Status): Refusal {
  return { code, message, ...typedDetails(details) }
}

function typedDetails(details: readonly Any[]): Pick<Refusal, 'violations' | 'retryAfterMs'> {
  const bytesOf = (type: string): Buffer | undefined =>
    details.find(({ typeUrl }) => typeUrl === `type.googleapis.com/google.rpc.${type}`)?.value
  const badRequest = bytesOf('BadRequest')
  const retryInfo = bytesOf('RetryInfo')
  const delay = retryInfo && RetryInfo.decode(retryInfo).retryDelay
  return {
    violations: badRequest && BadRequest.decode(badRequest).fieldViolations,
    retryAfterMs: delay && delay.seconds * 1000 + delay.nanos / 1e6,
  }
}

function isServiceError(error: unknown): error is ServiceError {
  return (
    error instanceof Error && 'code' in error && 'metadata' in error && error.metadata instanceof Metadata
  )
}
