import { setTimeout as sleep } from 'node:timers/promises'
import { type record, verdictFromBytes, wal } from '@fractal-lba/proto'
import { unary } from '@fractal-lba/test/unary'
import { credentials } from '@grpc/grpc-js'

const MARK_LIMIT_MS = 30_000
const POLL_MS = 500

interface IndexedMark {
  readonly mark: wal.Mark
  readonly verdict: record.Verdict
}

/** A log's service, called as no gateway would. */
export class WalCalls {
  readonly #client: wal.WalServiceClient

  /** @param address host:port of its gRPC */
  constructor(address: string) {
    this.#client = new wal.WalServiceClient(address, credentials.createInsecure())
  }

  /** An open submission. @throws Error when the log takes none */
  async append(body: Buffer): Promise<record.Position> {
    const item = { body, encoding: 1, liveMs: 0, arrivedAtMs: 0 }
    const { position } = await unary(this.#client.append.bind(this.#client), { item })
    if (!position) throw new Error('the log answered without a position')
    return position
  }

  async markDone(logId: string, mark: wal.Mark): Promise<void> {
    await unary(this.#client.markDone.bind(this.#client), { item: { logId, mark } })
  }

  /** The newest mark whose verdict belongs into the index; waits for one. @throws Error when none comes */
  async lastIndexed(): Promise<IndexedMark> {
    for (const endMs = performance.now() + MARK_LIMIT_MS; performance.now() < endMs; ) {
      const found = await this.#lastIndexed()
      if (found) return found
      await sleep(POLL_MS)
    }
    throw new Error('the log has no mark of an outcome')
  }

  #lastIndexed(): Promise<IndexedMark | undefined> {
    return new Promise((resolve, reject) => {
      let last: wal.Mark | undefined
      const stream = this.#client.readMarks({ fromSequence: 0 })
      stream.on('data', ({ marks }: wal.ReadMarksResponse) => {
        for (const { mark } of marks) if (mark?.indexed && mark.status === 200) last = mark
      })
      stream.on('error', reject)
      stream.on('end', () => {
        const verdict = verdictFromBytes(last?.verdict)
        resolve(last && verdict && { mark: last, verdict })
      })
    })
  }

  close(): void {
    this.#client.close()
  }
}
