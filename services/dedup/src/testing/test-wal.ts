import { randomBytes } from 'node:crypto'
import { wal } from '@fractal-lba/proto'
import {
  AppError,
  type GrpcServer,
  grpcService,
  type Handlers,
  startGrpcServer,
  unavailable,
} from '@fractal-lba/runtime'

type LogEntry = { readonly kind: 'mark'; readonly stored: wal.StoredMark } | { readonly kind: 'fence' }

const NO_FENCE = { indexLogIds: [], retiredLogIds: [] }

/** For tests: the part of flk.wal.v1 that dedup uses, served by gRPC over a list in memory. */
export class TestWal {
  logId = randomBytes(16).toString('hex')
  generation = ''
  /** As the newest fence said. */
  fencedLogs: Pick<wal.GetStateResponse, 'indexLogIds' | 'retiredLogIds'> = NO_FENCE
  /** 0: it does not tell. */
  dedupTtlMs = 0
  /** What it says of itself beside that. */
  says: Partial<
    Pick<wal.GetStateResponse, 'draining' | 'openCount' | 'deadLetterCount' | 'quarantinedSegments'>
  > = {}
  retired = false
  /** Fails so many calls of copyMarks. */
  copiesToFail = 0
  /** Called when it is to be retired, before it looks at anything. */
  onRetire: (() => void) | undefined
  /** What was called, in its order: "fence", "readMarks 5". */
  readonly calls: string[] = []
  /** Sends so many marks in a message, so that a reading takes several. */
  marksPerMessage = 2
  /** Ends readings with an error after so many messages, once. */
  breakAfterMessages: number | undefined
  #entries: LogEntry[] = []
  #server: GrpcServer | undefined
  #port = 0

  static async start(): Promise<TestWal> {
    const self = new TestWal()
    await self.up()
    return self
  }

  get address(): string {
    return `127.0.0.1:${this.#port}`
  }

  get nextSequence(): number {
    return this.#entries.length + 1
  }

  /** Listens, again on the same port. */
  async up(): Promise<void> {
    this.#server = await startGrpcServer(`127.0.0.1:${this.#port}`, [
      grpcService(wal.WalServiceService, this.#handlers()),
    ])
    this.#port = this.#server.port
  }

  async down(): Promise<void> {
    await this.#server?.stop(0)
    this.#server = undefined
  }

  /** A mark as if it had been made and flushed now. @returns its position */
  append(mark: wal.Mark, flushedAtMs = Date.now()): number {
    const sequence = this.nextSequence
    this.#entries.push({ kind: 'mark', stored: { sequence, flushedAtMs, mark } })
    return sequence
  }

  /** As the service does it: a mark of another generation is refused. */
  markDone(mark: wal.Mark, flushedAtMs = Date.now()): number {
    if (this.retired) throw new AppError('superseded', 'this log is retired')
    if (mark.generation !== this.generation) throw new AppError('superseded', 'of an older generation')
    return this.append(mark, flushedAtMs)
  }

  /** As if its disk had been replaced by an empty one. */
  replace(): void {
    this.logId = randomBytes(16).toString('hex')
    this.generation = ''
    this.fencedLogs = NO_FENCE
    this.#entries = []
  }

  /** As if it had been restored from an old copy. */
  truncate(entries: number): void {
    this.#entries.length = entries
  }

  get #lastMarkMs(): number {
    const stamps = this.#entries.map((entry) => (entry.kind === 'mark' ? entry.stored.flushedAtMs : 0))
    return Math.max(0, ...stamps)
  }

  #handlers(): Partial<Handlers<typeof wal.WalServiceService>> {
    return {
      fence: ({ generation, indexLogIds, retiredLogIds }) => {
        this.calls.push('fence')
        this.generation = generation
        this.fencedLogs = {
          indexLogIds,
          retiredLogIds: this.retired ? [...retiredLogIds, this.logId] : retiredLogIds,
        }
        this.#entries.push({ kind: 'fence' })
        return { position: { logId: this.logId, sequence: this.#entries.length } }
      },
      getState: () => ({
        ...wal.GetStateResponse.decode(new Uint8Array()),
        logId: this.logId,
        ...this.fencedLogs,
        generation: this.generation,
        nextSequence: this.nextSequence,
        dedupTtlMs: this.dedupTtlMs,
        takesAppends: !this.says.draining && !this.retired,
        lastMarkMs: this.#lastMarkMs,
        retired: this.retired,
        ...this.says,
      }),
      copyMarks: ({ marks }) => {
        if (this.copiesToFail > 0) {
          this.copiesToFail -= 1
          throw unavailable('it stands still')
        }
        this.calls.push(`copyMarks ${marks.length}`)
        for (const { flushedAtMs, mark } of marks)
          if (mark) this.append({ ...mark, sequence: 0 }, flushedAtMs)
        return { position: { logId: this.logId, sequence: this.#entries.length } }
      },
      retire: ({ nextSequence }) => {
        this.onRetire?.()
        this.calls.push(`retire ${nextSequence}`)
        if (nextSequence !== this.nextSequence) throw new AppError('superseded', 'it has gone on')
        this.retired = true
        const { indexLogIds, retiredLogIds } = this.fencedLogs
        this.fencedLogs = { indexLogIds, retiredLogIds: [...retiredLogIds, this.logId] }
        this.#entries.push({ kind: 'fence' })
        return { position: { logId: this.logId, sequence: this.#entries.length } }
      },
      readMarks: ({ fromSequence }) => this.#marks(fromSequence),
    }
  }

  async *#marks(fromSequence: number): AsyncGenerator<wal.ReadMarksResponse> {
    this.calls.push(`readMarks ${fromSequence}`)
    const endSequence = this.nextSequence
    let nextSequence = Math.max(1, fromSequence)
    for (let messages = 0; ; messages += 1) {
      if (messages === this.breakAfterMessages) {
        this.breakAfterMessages = undefined
        throw unavailable('broken on purpose')
      }
      const upTo = Math.min(endSequence, nextSequence + this.marksPerMessage)
      const marks = this.#entries
        .slice(nextSequence - 1, upTo - 1)
        .flatMap((entry) => (entry.kind === 'mark' ? [entry.stored] : []))
      nextSequence = upTo
      yield { marks, nextSequence, endSequence }
      if (nextSequence >= endSequence) return
    }
  }
}
