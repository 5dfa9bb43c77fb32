import { type record, wal } from '@fractal-lba/proto'
import { connect, monotonicMs, type RpcContext, unavailable } from '@fractal-lba/runtime'
import type { LogSet } from './log-set.js'

/** What an index needs of a log, over flk.wal.v1. */
export interface WalLog {
  readonly address: string
  /** @throws AppError */
  fence(generation: string, logs: LogSet): Promise<record.Position>
  /** @throws AppError or a gRPC error, also after some responses. */
  readMarks(fromSequence: number): AsyncIterable<wal.ReadMarksResponse>
  /** @throws AppError */
  state(): Promise<wal.GetStateResponse>
  /** Takes over marks of another log. @throws AppError */
  copyMarks(logId: string, fromLogId: string, marks: readonly wal.StoredMark[]): Promise<void>
  /** Ends it for good. @throws AppError superseded when it may not be, or has gone on since nextSequence */
  retire(logId: string, nextSequence: number): Promise<void>
  /** Also cancels reads that are under way. */
  close(): void
}

/** The service may read long stretches of the log without a mark. It must send something within so many hop timeouts. */
const SILENCE_HOPS_MAX = 10

/** @param onState told what a log says of itself, and when it was asked and answered; monotonic */
export function connectWalLog(
  address: string,
  timeoutMs: number,
  context: RpcContext = {},
  onState: (state: wal.GetStateResponse, sentMs: number, receivedMs: number) => void = () => undefined,
): WalLog {
  const peer = connect(
    wal.WalServiceService,
    { service: 'wal', address, isOneServer: true, limits: { timeoutMs } },
    context,
  )
  return {
    address,
    async fence(generation, { logIds, retiredIds }) {
      const indexLogIds = [...logIds]
      const retiredLogIds = [...retiredIds]
      const { position } = await peer.unary('fence', { generation, indexLogIds, retiredLogIds })
      if (!position) throw unavailable('the log answered a fence without its position')
      return position
    },
    readMarks: (fromSequence) =>
      peer.stream('readMarks', { fromSequence }, { silenceMs: timeoutMs * SILENCE_HOPS_MAX }),
    async state() {
      const sentMs = monotonicMs()
      const state = await peer.unary('getState', {})
      onState(state, sentMs, monotonicMs())
      return state
    },
    async copyMarks(logId, fromLogId, marks) {
      await peer.unary('copyMarks', { logId, fromLogId, marks: [...marks] })
    },
    async retire(logId, nextSequence) {
      await peer.unary('retire', { logId, nextSequence })
    },
    close: () => peer.close(),
  }
}

/** Why this index is not one of that log; undefined when it is. A log that does not tell its TTL fits. */
export function misfit(
  { address }: WalLog,
  { dedupTtlMs }: Pick<wal.GetStateResponse, 'dedupTtlMs'>,
  ttlMs: number,
): string | undefined {
  if (dedupTtlMs === 0 || dedupTtlMs === ttlMs) return undefined
  return `DEDUP_TTL is ${ttlMs} ms here and ${dedupTtlMs} ms at the log at ${address}: set it to the same at both`
}
