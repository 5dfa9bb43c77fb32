import { type record, type Status, wal } from '@fractal-lba/proto'
import {
  type AppError,
  BatchClient,
  type BatchLimits,
  callUnary,
  clientOptions,
  fromStatus,
} from '@fractal-lba/runtime'
import { credentials } from '@grpc/grpc-js'
import { fromMarkStatus } from './record-fault.js'

/** One log. */
export interface WalClient {
  readonly address: string
  /** Resolves after the flush. @throws AppError unavailable. */
  append(item: wal.AppendItem, deadlineMs?: number): Promise<record.Position>
  /** Resolves after the flush, with the position of the mark. @throws AppError superseded or unavailable, RecordFault for a malformed mark. */
  markDone(item: wal.MarkItem, deadlineMs?: number): Promise<record.Position>
  leaseOpen(entriesMax: number, leaseMs: number): Promise<wal.LeaseOpenResponse>
  /** Tells of a replay that failed for a reason of the submission's own. */
  reportReplayFailure(position: record.Position, reason: string): Promise<wal.ReportReplayFailureResponse>
  state(): Promise<wal.GetStateResponse>
  close(): void
}

/** A mark with a verdict, roughly. */
const MARK_BYTES = 700

export function connectWal(address: string, limits: BatchLimits): WalClient {
  const client = new wal.WalServiceClient(address, credentials.createInsecure(), clientOptions)
  const appends = new BatchClient({
    service: 'wal',
    open: () => client.appendBatches(),
    answer: ({ result }) => demandPosition(result),
    sizeBytes: ({ body }) => body.length,
    limits,
  })
  const marks = new BatchClient({
    service: 'wal',
    open: () => client.markDoneBatches(),
    answer: ({ result }) => demandPosition(result, fromMarkStatus),
    sizeBytes: () => MARK_BYTES,
    limits,
  })
  return {
    address,
    append: (item, deadlineMs) => appends.call(item, deadlineMs),
    markDone: (item, deadlineMs) => marks.call(item, deadlineMs),
    leaseOpen: (entriesMax, leaseMs) =>
      callUnary(client.leaseOpen.bind(client), { entriesMax, leaseMs }, limits.timeoutMs),
    reportReplayFailure: (position, reason) =>
      callUnary(client.reportReplayFailure.bind(client), { position, reason }, limits.timeoutMs),
    state: () => callUnary(client.getState.bind(client), {}, limits.timeoutMs),
    close() {
      appends.close()
      marks.close()
      client.close()
    },
  }
}

function demandPosition(
  result: (wal.AppendResult | wal.MarkResult)['result'],
  toError: (status: Status) => AppError = fromStatus,
): record.Position {
  if (result?.$case === 'position') return result.value
  throw toError(result?.value ?? { code: 2, message: 'wal answered nothing', details: [] })
}
