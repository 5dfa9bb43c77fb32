import { wal } from '@fractal-lba/proto'
import { connect, type RpcContext } from '@fractal-lba/runtime'
import { serviceCalls } from './service-calls.js'

/** A running wal service, asked by its own calls. All of them reject with a ServiceCallError. */
export interface WalService {
  /** host:port */
  readonly address: string
  state(): Promise<wal.GetStateResponse>
  /** @param timeoutMs how long to wait for its end; it goes on in the service when that is over */
  compact(dryRun: boolean, timeoutMs: number): Promise<wal.CompactResponse>
  /** An operator, whose clock says this, says that the clock of the service is right. */
  confirmClock(operatorClockMs: number): Promise<wal.ConfirmClockResponse>
  /** Takes no more submissions, also after a restart, or takes them again. Resolves when that is durable. */
  drain(draining: boolean): Promise<void>
  /** All dead letters in the order of the log, a page at a time. */
  deadLetters(): AsyncGenerator<readonly wal.StoredDeadLetter[]>
  /** @returns the position of the record of this: marks of the letter come after it */
  redrive(sequence: number): Promise<number>
  /** Marks from a position on, to the end as it is now. */
  marks(fromSequence: number): AsyncGenerator<wal.ReadMarksResponse>
  close(): void
}

const CALL_TIMEOUT_MS = 10_000

export function connectWalService(address: string, context: RpcContext): WalService {
  const limits = { timeoutMs: CALL_TIMEOUT_MS }
  const peer = connect(wal.WalServiceService, { service: 'wal', address, isOneServer: true, limits }, context)
  const { call, stream } = serviceCalls('wal', address, 'answer')
  return {
    address,
    state: () => call(peer.unary('getState', {})),
    compact: (dryRun, timeoutMs) => call(peer.unary('compact', { dryRun }, { timeoutMs })),
    confirmClock: (operatorClockMs) => call(peer.unary('confirmClock', { operatorClockMs })),
    drain: async (draining) => {
      await call(peer.unary('drain', { draining }))
    },
    async *deadLetters() {
      for (let fromSequence = 0; ; ) {
        const page = await call(peer.unary('listDeadLetters', { fromSequence, entriesMax: 0 }))
        yield page.entries
        if (page.nextFromSequence <= fromSequence) return
        fromSequence = page.nextFromSequence
      }
    },
    async redrive(sequence) {
      const { position } = await call(peer.unary('driveAgain', { sequence }))
      return position?.sequence ?? 0
    },
    marks: (fromSequence) =>
      stream(peer.stream('readMarks', { fromSequence }, { timeoutMs: CALL_TIMEOUT_MS })),
    close: () => peer.close(),
  }
}
