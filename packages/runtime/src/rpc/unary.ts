import type {
  CallOptions,
  ClientUnaryCall,
  Metadata,
  ServerUnaryCall,
  ServiceError,
  sendUnaryData,
} from '@grpc/grpc-js'
import { Metadata as GrpcMetadata } from '@grpc/grpc-js'
import { fromServiceError, toServiceError } from '../errors.js'

type UnaryMethod<Request, Response> = (
  request: Request,
  metadata: Metadata,
  options: Partial<CallOptions>,
  callback: (error: ServiceError | null, response: Response) => void,
) => ClientUnaryCall

/** A unary call with a deadline. @throws AppError, as the table of errors maps the answer. */
export function callUnary<Request, Response>(
  method: UnaryMethod<Request, Response>,
  request: Request,
  timeoutMs: number,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    method(request, new GrpcMetadata(), { deadline: Date.now() + timeoutMs }, (error, response) =>
      error ? reject(fromServiceError(error)) : resolve(response),
    )
  })
}

/** A unary handler from a function: what it throws goes out as the table of errors says. */
export function unaryHandler<Request, Response>(
  handle: (request: Request) => Promise<Response> | Response,
  onError: (error: unknown) => void,
) {
  return (call: ServerUnaryCall<Request, Response>, callback: sendUnaryData<Response>): void => {
    Promise.resolve(call.request)
      .then(handle)
      .then(
        (response) => callback(null, response),
        (error: unknown) => {
          onError(error)
          callback(toServiceError(error))
        },
      )
  }
}
