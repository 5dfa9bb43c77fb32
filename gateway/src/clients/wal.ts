import { type record, type Status, wal } from '@fractal-lba/proto'
import {
  type AppError,
  type CallOptions,
  connect,
  fromStatus,
  type HopLimits,
  type RpcContext,
} from '@fractal-lba/runtime'
import { fromMarkStatus } from './record-fault.js'

/** One log. */
export interface WalClient {
  readonly address: string
  /** Resolves after the flush. @throws AppError unavailable. */
  append(item: wal.AppendItem, options?: CallOptions<record.Position>): Promise<record.Position>
  /** Resolves after the flush, with the position of the mark. @throws AppError superseded or unavailable, RecordFault for a malformed mark. */
  markDone(item: wal.MarkItem, options?: CallOptions<record.Position>): Promise<record.Position>
  leaseOpen(request: wal.LeaseOpenRequest): Promise<wal.LeaseOpenResponse>
  /** Tells of a replay that failed, in an outage or for a reason of the submission's own. */
  reportReplayFailure(
    position: record.Position,
    reason: string,
    isOutage: boolean,
  ): Promise<wal.ReportReplayFailureResponse>
  state(timeoutMs: number): Promise<wal.GetStateResponse>
  close(): void
}

/** Of a batch: others wait while large bodies are put on the wire. A full batch of honest records has as much. */
const APPEND_BYTES_MAX = 128 * 2 ** 10
/** A mark with a verdict, roughly. */
const MARK_BYTES = 700

export function connectWal(address: string, limits: HopLimits, context: RpcContext): WalClient {
  const peer = connect(wal.WalServiceService, { service: 'wal', address, isOneServer: true, limits }, context)
  const appends = peer.batches('appendBatches', {
    answer: ({ result }) => demandPosition(result),
    sizeBytes: ({ body }) => body.length,
    idempotent: false,
    batchBytesMax: APPEND_BYTES_MAX,
    describe: ({ logId, sequence }) => ({ 'pcs.log_id': logId, 'pcs.log_sequence': sequence }),
  })
  const marks = peer.batches('markDoneBatches', {
    answer: ({ result }) => demandPosition(result, fromMarkStatus),
    sizeBytes: () => MARK_BYTES,
    idempotent: true,
  })
  return {
    address,
    append: (item, options) => appends.call(item, options),
    markDone: (item, options) => marks.call(item, options),
    leaseOpen: (request) => peer.unary('leaseOpen', request),
    reportReplayFailure: (position, reason, isOutage) =>
      peer.unary('reportReplayFailure', { position, reason, isOutage }),
    state: (timeoutMs) => peer.unary('getState', {}, { timeoutMs }),
    close: () => peer.close(),
  }
}

function demandPosition(
  result: (wal.AppendResult | wal.MarkResult)['result'],
  toError: (status: Status) => AppError = fromStatus,
): record.Position {
  if (result?.$case === 'position') return result.value
  throw toError(result?.value ?? { code: 2, message: 'wal answered nothing', details: [] })
}
