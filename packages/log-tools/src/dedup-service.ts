import { dedup } from '@fractal-lba/proto'
import { AppError, connect, transportCode } from '@fractal-lba/runtime'
import { status as Grpc } from '@grpc/grpc-js'

/** Why a dedup service did not do what it was asked for, as a sentence for people. */
export class DedupServiceError extends Error {
  override readonly name = 'DedupServiceError'
  /** The same may succeed later. */
  readonly mayPass: boolean

  constructor(message: string, mayPass: boolean, options?: ErrorOptions) {
    super(message, options)
    this.mayPass = mayPass
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
  const limits = { timeoutMs: CALL_TIMEOUT_MS }
  const peer = connect(dedup.DedupServiceService, { service: 'dedup', address, limits })
  return {
    address,
    async state() {
      try {
        return await peer.unary('getState', {})
      } catch (error) {
        throw explained(address, error)
      }
    },
    rebuild: (timeoutMs) => read(address, peer.stream('rebuild', {}, { timeoutMs, silenceMs: timeoutMs })),
    verify: (timeoutMs) => read(address, peer.stream('verify', {}, { timeoutMs, silenceMs: timeoutMs })),
    close: () => peer.close(),
  }
}

async function* read<Response>(address: string, stream: AsyncGenerator<Response>): AsyncGenerator<Response> {
  try {
    yield* stream
  } catch (error) {
    throw explained(address, error)
  }
}

function explained(address: string, error: unknown): unknown {
  if (!(error instanceof AppError)) return error
  const options = { cause: error }
  switch (transportCode(error)) {
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
