import { wal } from '@fractal-lba/proto'
import { AppError, callUnary, clientOptions } from '@fractal-lba/runtime'
import { credentials, status as Grpc } from '@grpc/grpc-js'

/** Why a wal service did not do what it was asked for, as a sentence for people. */
export class WalServiceError extends Error {
  override readonly name = 'WalServiceError'

  constructor(
    message: string,
    /** The same may succeed later: nobody answered, or the service was busy. */
    readonly mayPass: boolean,
    options?: ErrorOptions,
  ) {
    super(message, options)
  }
}

/** A running wal service, asked by its own calls. All of them reject with a WalServiceError. */
export interface WalService {
  /** host:port */
  readonly address: string
  state(): Promise<wal.GetStateResponse>
  /** @param timeoutMs how long to wait for its end; it goes on in the service when that is over */
  compact(dryRun: boolean, timeoutMs: number): Promise<wal.CompactResponse>
  /** All dead letters in the order of the log, a page at a time. */
  deadLetters(): AsyncGenerator<readonly wal.StoredDeadLetter[]>
  /** @returns the position of the record that says so: marks of the letter come after it */
  driveAgain(sequence: number): Promise<number>
  /** Marks from a position on, to the end as it is now. */
  marks(fromSequence: number): AsyncGenerator<wal.ReadMarksResponse>
  close(): void
}

const CALL_TIMEOUT_MS = 10_000

export function connectWalService(address: string): WalService {
  const client = new wal.WalServiceClient(address, credentials.createInsecure(), clientOptions)
  const call = async <Answer>(answer: Promise<Answer>): Promise<Answer> => {
    try {
      return await answer
    } catch (error) {
      throw explained(address, error)
    }
  }
  const ask = {
    state: client.getState.bind(client),
    compact: client.compact.bind(client),
    list: client.listDeadLetters.bind(client),
    drive: client.driveAgain.bind(client),
  }
  return {
    address,
    state: () => call(callUnary(ask.state, {}, CALL_TIMEOUT_MS)),
    compact: (dryRun, timeoutMs) => call(callUnary(ask.compact, { dryRun }, timeoutMs)),
    async *deadLetters() {
      for (let fromSequence = 0; ; ) {
        const page = await call(callUnary(ask.list, { fromSequence, entriesMax: 0 }, CALL_TIMEOUT_MS))
        yield page.entries
        if (page.nextFromSequence <= fromSequence) return
        fromSequence = page.nextFromSequence
      }
    },
    async driveAgain(sequence) {
      const { position } = await call(callUnary(ask.drive, { sequence }, CALL_TIMEOUT_MS))
      return position?.sequence ?? 0
    },
    async *marks(fromSequence) {
      const stream = client.readMarks({ fromSequence }, { deadline: Date.now() + CALL_TIMEOUT_MS })
      try {
        yield* stream as AsyncIterable<wal.ReadMarksResponse>
      } catch (error) {
        throw explained(address, error)
      } finally {
        stream.cancel()
      }
    },
    close: () => client.close(),
  }
}

function explained(address: string, error: unknown): unknown {
  const { code, message } = statusOf(error)
  switch (code) {
    case undefined:
      return error
    case Grpc.UNAVAILABLE:
      return new WalServiceError(`no wal service answers at ${address}: is it running?`, true, {
        cause: error,
      })
    case Grpc.DEADLINE_EXCEEDED:
      return new WalServiceError(`the wal service at ${address} did not answer in time`, true, {
        cause: error,
      })
    case Grpc.UNIMPLEMENTED:
      return new WalServiceError(`what answers at ${address} is no wal service of this version`, false, {
        cause: error,
      })
    default:
      return new WalServiceError(`the wal service at ${address}: ${message}`, code === TYPED_UNAVAILABLE, {
        cause: error,
      })
  }
}

/** Stands for an `unavailable` that the service itself said, with its reason. */
const TYPED_UNAVAILABLE = -1

/** What the transport said, or the service in its own words. */
function statusOf(error: unknown): { code: number | undefined; message: string } {
  const cause = error instanceof AppError ? error.cause : error
  if (cause instanceof Error && 'code' in cause && typeof cause.code === 'number') {
    return { code: cause.code, message: cause.message }
  }
  if (!(error instanceof AppError)) return { code: undefined, message: '' }
  const code = error.code === 'unavailable' ? TYPED_UNAVAILABLE : Grpc.UNKNOWN
  return { code, message: error.message }
}
