import { wal } from '@fractal-lba/proto'
import { AppError, connect, transportCode } from '@fractal-lba/runtime'
import { status as Grpc } from '@grpc/grpc-js'

/** Why a wal service did not do what it was asked for, as a sentence for people. */
export class WalServiceError extends Error {
  override readonly name = 'WalServiceError'
  /** The same may succeed later: nobody answered, or the service was busy. */
  readonly mayPass: boolean

  constructor(message: string, mayPass: boolean, options?: ErrorOptions) {
    super(message, options)
    this.mayPass = mayPass
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
  /** @returns the position of the record of this: marks of the letter come after it */
  driveAgain(sequence: number): Promise<number>
  /** Marks from a position on, to the end as it is now. */
  marks(fromSequence: number): AsyncGenerator<wal.ReadMarksResponse>
  close(): void
}

const CALL_TIMEOUT_MS = 10_000

export function connectWalService(address: string): WalService {
  const limits = { timeoutMs: CALL_TIMEOUT_MS }
  const peer = connect(wal.WalServiceService, { service: 'wal', address, limits })
  const call = async <Answer>(answer: Promise<Answer>): Promise<Answer> => {
    try {
      return await answer
    } catch (error) {
      throw explained(address, error)
    }
  }
  return {
    address,
    state: () => call(peer.unary('getState', {})),
    compact: (dryRun, timeoutMs) => call(peer.unary('compact', { dryRun }, { timeoutMs })),
    async *deadLetters() {
      for (let fromSequence = 0; ; ) {
        const page = await call(peer.unary('listDeadLetters', { fromSequence, entriesMax: 0 }))
        yield page.entries
        if (page.nextFromSequence <= fromSequence) return
        fromSequence = page.nextFromSequence
      }
    },
    async driveAgain(sequence) {
      const { position } = await call(peer.unary('driveAgain', { sequence }))
      return position?.sequence ?? 0
    },
    async *marks(fromSequence) {
      try {
        yield* peer.stream('readMarks', { fromSequence }, { timeoutMs: CALL_TIMEOUT_MS })
      } catch (error) {
        throw explained(address, error)
      }
    },
    close: () => peer.close(),
  }
}

function explained(address: string, error: unknown): unknown {
  if (!(error instanceof AppError)) return error
  switch (transportCode(error)) {
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
      return new WalServiceError(
        `the wal service at ${address}: ${error.message}`,
        error.code === 'unavailable',
        {
          cause: error,
        },
      )
  }
}
