import type { Status } from '@fractal-lba/proto'
import { AppError, fromStatus } from '@fractal-lba/runtime'
import { status as Grpc } from '@grpc/grpc-js'

/**
 * A service was there and failed at this one record: no outage, and the next try will come to the same. To the
 * client it is a 503 like any other; replay counts it.
 */
export class RecordFault extends AppError {
  constructor(message: string) {
    super('unavailable', message)
  }
}

/**
 * What a service answered for one item of a batch. An INTERNAL there is the service's own, made for this record;
 * a broken stream, for which gRPC has the same code, never comes as an item.
 */
export function fromItemStatus(status: Status): AppError {
  return status.code === Grpc.INTERNAL ? new RecordFault(status.message) : fromStatus(status)
}

/** The same for a mark: one that the log finds malformed will never be taken. */
export function fromMarkStatus(status: Status): AppError {
  return status.code === Grpc.INVALID_ARGUMENT
    ? new RecordFault(`the log refused the mark: ${status.message}`)
    : fromStatus(status)
}
