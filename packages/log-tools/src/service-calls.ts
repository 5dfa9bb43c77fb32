import { AppError, transportCode } from '@fractal-lba/runtime'
import { status as Grpc } from '@grpc/grpc-js'

/** Why a running service did not do what it was asked for, as a sentence for people. */
export class ServiceCallError extends Error {
  override readonly name = 'ServiceCallError'
  /** The same may succeed later: nobody answered, or the service was busy. */
  readonly mayPass: boolean

  constructor(message: string, mayPass: boolean, options?: ErrorOptions) {
    super(message, options)
    this.mayPass = mayPass
  }
}

/** Calls to one service; what the service rejects with becomes a ServiceCallError. */
export interface ServiceCalls {
  call<Answer>(answer: Promise<Answer>): Promise<Answer>
  stream<Response>(responses: AsyncGenerator<Response>): AsyncGenerator<Response>
}

/**
 * @param service names it in sentences: "wal"
 * @param late completes "the wal service at … did not … in time"
 */
export function serviceCalls(service: string, address: string, late: 'answer' | 'end'): ServiceCalls {
  const explained = (error: unknown): unknown => {
    if (!(error instanceof AppError)) return error
    const failure = (message: string, mayPass: boolean): ServiceCallError =>
      new ServiceCallError(message, mayPass, { cause: error })
    switch (transportCode(error)) {
      case Grpc.UNAVAILABLE:
        return failure(`no ${service} service answers at ${address}: is it running?`, true)
      case Grpc.DEADLINE_EXCEEDED:
        return failure(`the ${service} service at ${address} did not ${late} in time`, true)
      case Grpc.UNIMPLEMENTED:
        return failure(`what answers at ${address} is no ${service} service of this version`, false)
      default:
        return failure(`the ${service} service at ${address}: ${error.message}`, error.code === 'unavailable')
    }
  }
  return {
    async call(answer) {
      try {
        return await answer
      } catch (error) {
        throw explained(error)
      }
    },
    async *stream(responses) {
      try {
        yield* responses
      } catch (error) {
        throw explained(error)
      }
    },
  }
}
