import { type record, verdictFromBytes, wal } from '@fractal-lba/proto'
import { credentials } from '@grpc/grpc-js'
import { unary } from './unary.js'
import { until } from './until.js'

/** A stored mark with its verdict read. */
export type ReadMark = Omit<wal.StoredMark, 'mark'> & {
  readonly mark: Omit<wal.Mark, 'verdict'> & { readonly verdict: record.Verdict | undefined }
}

/** Looks into the log of a running constellation, through the log's own service. */
export class WalReader {
  readonly #client: wal.WalServiceClient

  /** @param address host:port of the wal's gRPC. */
  constructor(address: string) {
    this.#client = new wal.WalServiceClient(address, credentials.createInsecure())
  }

  /** After the wal was started again: a call made before this is told of the connection that was refused. */
  untilConnected(limitMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#client.waitForReady(Date.now() + limitMs, (error) => (error ? reject(error) : resolve()))
    })
  }

  state(): Promise<wal.GetStateResponse> {
    return unary(this.#client.getState.bind(this.#client), {})
  }

  /** Appends as a gateway would that dies at once afterwards. */
  async appendAbandoned(
    body: Buffer,
    encoding: wal.AppendItem['encoding'],
  ): Promise<record.Position | undefined> {
    const item = { body, encoding, liveMs: 0, arrivedAtMs: 0 }
    const { position } = await unary(this.#client.append.bind(this.#client), { item })
    return position
  }

  /** Every mark from a position on. */
  marks(fromSequence = 0): Promise<ReadMark[]> {
    return new Promise((resolve, reject) => {
      const marks: ReadMark[] = []
      const stream = this.#client.readMarks({ fromSequence })
      stream.on('data', (part: wal.ReadMarksResponse) => marks.push(...part.marks.flatMap(readMark)))
      stream.on('error', reject)
      stream.on('end', () => resolve(marks))
    })
  }

  /** Resolves when every submission has its mark. @throws Error after the limit. */
  async untilNothingOpen(limitMs: number): Promise<void> {
    let open = 0
    const ask = async (): Promise<boolean> => {
      open = (await this.state()).openCount
      return open === 0
    }
    await until('all submissions finished', limitMs, ask).catch((error: unknown) => {
      throw new Error(`${open} submissions are still open`, { cause: error })
    })
  }

  close(): void {
    this.#client.close()
  }
}

function readMark({ sequence, flushedAtMs, mark }: wal.StoredMark): ReadMark[] {
  return mark ? [{ sequence, flushedAtMs, mark: { ...mark, verdict: verdictFromBytes(mark.verdict) } }] : []
}
