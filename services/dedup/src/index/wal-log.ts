import { type record, wal } from '@fractal-lba/proto'
import { connect, type RpcContext, unavailable } from '@fractal-lba/runtime'

/** What an index needs of a log, over flk.wal.v1. */
export interface WalLog {
  readonly address: string
  /** @throws AppError */
  fence(generation: string): Promise<record.Position>
  /** @throws AppError or a gRPC error, also after some responses. */
  readMarks(fromSequence: number): AsyncIterable<wal.ReadMarksResponse>
  /** @throws AppError */
  state(): Promise<wal.GetStateResponse>
  /** Also cancels reads that are under way. */
  close(): void
}

/** The service may read long stretches of the log without a mark. It must send something within so many hop timeouts. */
const SILENCE_HOPS_MAX = 10

export function connectWalLog(address: string, timeoutMs: number, context: RpcContext = {}): WalLog {
  const peer = connect(wal.WalServiceService, { service: 'wal', address, limits: { timeoutMs } }, context)
  return {
    address,
    async fence(generation) {
      const { position } = await peer.unary('fence', { generation })
      if (!position) throw unavailable('the log answered a fence without its position')
      return position
    },
    readMarks: (fromSequence) =>
      peer.stream('readMarks', { fromSequence }, { silenceMs: timeoutMs * SILENCE_HOPS_MAX }),
    state: () => peer.unary('getState', {}),
    close: () => peer.close(),
  }
}
