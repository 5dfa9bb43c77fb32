import { dedup } from '@fractal-lba/proto'
import { connect } from '@fractal-lba/runtime'
import { serviceCalls } from './service-calls.js'

/** A running dedup service, asked by its own calls. All of them reject with a ServiceCallError. */
export interface DedupService {
  /** host:port */
  readonly address: string
  state(): Promise<dedup.GetStateResponse>
  /** @param timeoutMs how long to wait for its end; it goes on in the service when that is over */
  rebuild(timeoutMs: number): AsyncGenerator<dedup.RebuildResponse>
  verify(timeoutMs: number): AsyncGenerator<dedup.VerifyResponse>
  /** An operator, whose clock says this, says that the clock of the service is right. */
  confirmClock(operatorClockMs: number): Promise<dedup.ConfirmClockResponse>
  close(): void
}

const CALL_TIMEOUT_MS = 10_000

export function connectDedupService(address: string): DedupService {
  const limits = { timeoutMs: CALL_TIMEOUT_MS }
  const peer = connect(dedup.DedupServiceService, { service: 'dedup', address, limits })
  const { call, stream } = serviceCalls('dedup', address, 'end')
  return {
    address,
    state: () => call(peer.unary('getState', {})),
    rebuild: (timeoutMs) => stream(peer.stream('rebuild', {}, { timeoutMs, silenceMs: timeoutMs })),
    verify: (timeoutMs) => stream(peer.stream('verify', {}, { timeoutMs, silenceMs: timeoutMs })),
    confirmClock: (operatorClockMs) => call(peer.unary('confirmClock', { operatorClockMs })),
    close: () => peer.close(),
  }
}
