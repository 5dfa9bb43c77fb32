import { type Any, BadRequest, RetryInfo, Status } from '@fractal-lba/proto'
import { status as Grpc, Metadata, type ServiceError } from '@grpc/grpc-js'

/** One thing that is wrong with a record: a JSON pointer and a sentence, never the payload. */
export interface Violation {
  readonly pointer: string
  readonly detail: string
}

interface Row {
  readonly http: number
  readonly grpc: Grpc
  readonly title: string
}

/** The one table of errors: the contract's section 5. */
export const errorTable = {
  malformed: { http: 400, grpc: Grpc.INVALID_ARGUMENT, title: 'The record is malformed or invalid' },
  unauthenticated: { http: 401, grpc: Grpc.UNAUTHENTICATED, title: 'The signature does not verify' },
  pcs_not_found: { http: 404, grpc: Grpc.NOT_FOUND, title: 'No outcome is stored under this id' },
  unknown_path: { http: 404, grpc: Grpc.UNIMPLEMENTED, title: 'There is nothing at this path' },
  method_not_allowed: { http: 405, grpc: Grpc.UNIMPLEMENTED, title: 'This path does not take this method' },
  body_timeout: { http: 408, grpc: Grpc.DEADLINE_EXCEEDED, title: 'The request did not arrive in time' },
  pcs_conflict: { http: 409, grpc: Grpc.ALREADY_EXISTS, title: 'Another content is stored under this id' },
  too_large: { http: 413, grpc: Grpc.RESOURCE_EXHAUSTED, title: 'The request is too large' },
  unsupported_media_type: {
    http: 415,
    grpc: Grpc.INVALID_ARGUMENT,
    title: 'The body is not plain application/json',
  },
  rate_limited: { http: 429, grpc: Grpc.RESOURCE_EXHAUSTED, title: 'Too many requests' },
  internal: { http: 500, grpc: Grpc.INTERNAL, title: 'The server made a mistake' },
  unavailable: { http: 503, grpc: Grpc.UNAVAILABLE, title: 'Not available at the moment' },
  // The verdict was read from an index that has been replaced since: to be asked again.
  superseded: { http: 503, grpc: Grpc.FAILED_PRECONDITION, title: 'Not available at the moment' },
} as const satisfies Record<string, Row>

export type ErrorCode = keyof typeof errorTable

export interface ErrorDetails {
  readonly violations?: readonly Violation[]
  /** When to try again; sent to the client as Retry-After or google.rpc.RetryInfo. */
  readonly retryAfterMs?: number
  readonly cause?: unknown
}

/** An error with a place in the table. Its message may go to any client: it has no payload, key or signature. */
export class AppError extends Error {
  override readonly name = 'AppError'
  readonly code: ErrorCode
  readonly violations: readonly Violation[]
  readonly retryAfterMs: number | undefined

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, { cause: details.cause })
    this.code = code
    this.violations = details.violations ?? []
    this.retryAfterMs = details.retryAfterMs
  }
}

/** "A little jitter upwards" (docs/contract.md, section 5). */
const RETRY_JITTER = 0.2

/** When to try again, so that not all who are told it come back at once. @param waitMs as configured */
export function withJitter(waitMs: number): number {
  return waitMs * (1 + Math.random() * RETRY_JITTER)
}

export function unavailable(message: string, cause?: unknown): AppError {
  return new AppError('unavailable', message, { cause })
}

/** A service, or the connection to it, ended over what it was sent: perhaps because of it. */
export class LostInFlight extends AppError {
  /** What was lost was asked for alone (CallOptions.alone). */
  readonly wasAlone: boolean

  constructor(service: string, { wasAlone, cause }: { readonly wasAlone: boolean; readonly cause: unknown }) {
    const message = wasAlone
      ? `${service} ended while it worked on nothing but this`
      : `${service} is not reachable`
    super('unavailable', message, { cause })
    this.wasAlone = wasAlone
  }
}

const TYPE_URL = 'type.googleapis.com/'

/** What is not an AppError is a mistake of ours: its text stays inside. */
export function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error
  return new AppError('internal', 'an unexpected error; the log of the service has it', { cause: error })
}

/** The error as google.rpc.Status, with BadRequest and RetryInfo where it has them. */
export function toStatus(error: unknown): Status {
  const { code, message, violations, retryAfterMs } = toAppError(error)
  const details: Any[] = []
  if (violations.length > 0) {
    const fieldViolations = violations.map(({ pointer, detail }) => ({ field: pointer, description: detail }))
    const value = Buffer.from(BadRequest.encode({ fieldViolations }).finish())
    details.push({ typeUrl: `${TYPE_URL}google.rpc.BadRequest`, value })
  }
  if (retryAfterMs !== undefined) {
    const retryDelay = { seconds: Math.floor(retryAfterMs / 1000), nanos: (retryAfterMs % 1000) * 1_000_000 }
    const value = Buffer.from(RetryInfo.encode({ retryDelay }).finish())
    details.push({ typeUrl: `${TYPE_URL}google.rpc.RetryInfo`, value })
  }
  return { code: errorTable[code].grpc, message, details }
}

/** The other way: what a service answered. A code that says nothing certain counts as unavailable. */
export function fromStatus(status: Status): AppError {
  const violations = status.details
    .filter((detail) => detail.typeUrl === `${TYPE_URL}google.rpc.BadRequest`)
    .flatMap((detail) => BadRequest.decode(detail.value).fieldViolations)
    .map(({ field, description }) => ({ pointer: field, detail: description }))
  return new AppError(codeOf(status.code), status.message, { violations })
}

function codeOf(code: number): ErrorCode {
  switch (code) {
    case Grpc.INVALID_ARGUMENT:
      return 'malformed'
    case Grpc.UNAUTHENTICATED:
      return 'unauthenticated'
    case Grpc.NOT_FOUND:
      return 'pcs_not_found'
    case Grpc.ALREADY_EXISTS:
      return 'pcs_conflict'
    case Grpc.FAILED_PRECONDITION:
      return 'superseded'
    default:
      return 'unavailable'
  }
}

/** The error as grpc-js sends it: status, sentence and the typed details in the trailer. */
export function toServiceError(error: unknown): Pick<ServiceError, 'code' | 'details' | 'metadata'> & Error {
  const status = toStatus(error)
  const metadata = new Metadata()
  metadata.set('grpc-status-details-bin', Buffer.from(Status.encode(status).finish()))
  return Object.assign(new Error(status.message), { code: status.code, details: status.message, metadata })
}

/** What a call failed with, as an AppError. Our services send a typed status; anything else is the transport's. */
export function fromServiceError(error: ServiceError): AppError {
  const encoded = error.metadata?.get('grpc-status-details-bin')[0]
  if (Buffer.isBuffer(encoded)) return fromStatus(Status.decode(encoded))
  // The transport's own sentence names addresses: it stays inside, as the cause.
  return new AppError(codeOf(error.code), sentenceOf(error.code), { cause: error })
}

function sentenceOf(code: number): string {
  switch (code) {
    case Grpc.DEADLINE_EXCEEDED:
      return 'a service behind this one did not answer in time'
    case Grpc.PERMISSION_DENIED:
      return 'a service behind this one does not take this call from the certificate of this one'
    default:
      return 'a service behind this one is not reachable'
  }
}

/** The error as its caller gets it when it crosses from one service to another in the same process. */
export function crossed(error: unknown): AppError {
  return fromStatus(toStatus(error))
}

/** Nothing listens there, or it listens no more. */
export function notConnected(): AppError {
  return fromTransport(Grpc.UNAVAILABLE, 'no connection was established')
}

/** No answer came before the deadline. */
export function late(cause?: Error): AppError {
  return fromTransport(Grpc.DEADLINE_EXCEEDED, cause?.message ?? 'the deadline has passed')
}

export function notImplemented(): AppError {
  return fromTransport(Grpc.UNIMPLEMENTED, 'the server does not have this method')
}

function fromTransport(code: Grpc, details: string): AppError {
  return fromServiceError(Object.assign(new Error(details), { code, details, metadata: new Metadata() }))
}

/** What the transport said, where an AppError comes from it and not from the service: a code of gRPC. */
export function transportCode({ cause }: AppError): Grpc | undefined {
  return cause instanceof Error && 'code' in cause && typeof cause.code === 'number' ? cause.code : undefined
}
