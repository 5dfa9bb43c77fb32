import { type record, wal } from '@fractal-lba/proto'
import { callUnary, clientOptions, unavailable } from '@fractal-lba/runtime'
import { type ClientReadableStream, credentials } from '@grpc/grpc-js'

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

export function connectWalLog(address: string, timeoutMs: number): WalLog {
  const client = new wal.WalServiceClient(address, credentials.createInsecure(), clientOptions)
  const readings = new Set<ClientReadableStream<wal.ReadMarksResponse>>()
  return {
    address,
    async fence(generation) {
      const { position } = await callUnary(client.fence.bind(client), { generation }, timeoutMs)
      if (!position) throw unavailable('the log answered a fence without its position')
      return position
    },
    async *readMarks(fromSequence) {
      const stream = client.readMarks({ fromSequence })
      readings.add(stream)
      // The loop below gets the error as well. An error after the loop would end the process without this listener.
      stream.on('error', () => undefined)
      const silence = setTimeout(() => stream.cancel(), timeoutMs * SILENCE_HOPS_MAX)
      try {
        for await (const response of stream as AsyncIterable<wal.ReadMarksResponse>) {
          yield response
          silence.refresh()
        }
      } finally {
        clearTimeout(silence)
        readings.delete(stream)
        stream.cancel()
      }
    },
    state: () => callUnary(client.getState.bind(client), {}, timeoutMs),
    close() {
      for (const stream of readings) stream.cancel()
      client.close()
    },
  }
}
