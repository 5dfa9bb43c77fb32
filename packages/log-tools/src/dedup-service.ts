import { dedup } from '@fractal-lba/proto'
import { connect, type RpcContext } from '@fractal-lba/runtime'
import { serviceCalls } from './service-calls.js'

/** A running dedup service, asked by its own calls. All of them reject with a ServiceCallError. */
export interface DedupService {
  /** host:port */
  readonly address: string
  state(): Promise<dedup.GetStateResponse>
  /** @param timeoutMs how long to wait for its end; it goes on in the service when that is over */
  rebuild(timeoutMs: number): AsyncGenerator<dedup.RebuildResponse>
  verify(timeoutMs: number): AsyncGenerator<dedup.VerifyResponse>
  /** The logs of its store, as they are now. */
  logs(): Promise<dedup.ListLogsResponse>
  /** Until its process ends, as if WAL_ADDR had named it. @returns the id of the log */
  addLog(logAddress: string): Promise<string>
  /**
   * Ends a log for good.
   * @param timeoutMs the copying ends when that is over, and the log stays as it was
   */
  retireLog(request: dedup.RetireLogRequest, timeoutMs: number): AsyncGenerator<dedup.RetireLogResponse>
  /** An operator, whose clock says this, says that the clock of the service is right. */
  confirmClock(operatorClockMs: number): Promise<dedup.ConfirmClockResponse>
  close(): void
}

const CALL_TIMEOUT_MS = 10_000

export function connectDedupService(address: string, context: RpcContext): DedupService {
  const limits = { timeoutMs: CALL_TIMEOUT_MS }
  const peer = connect(dedup.DedupServiceService, { service: 'dedup', address, limits }, context)
  const { call, stream } = serviceCalls('dedup', address, 'end')
  return {
    address,
    state: () => call(peer.unary('getState', {})),
    rebuild: (timeoutMs) => stream(peer.stream('rebuild', {}, { timeoutMs, silenceMs: timeoutMs })),
    verify: (timeoutMs) => stream(peer.stream('verify', {}, { timeoutMs, silenceMs: timeoutMs })),
    logs: () => call(peer.unary('listLogs', {})),
    addLog: async (logAddress) => (await call(peer.unary('addLog', { address: logAddress }))).logId,
    retireLog: (request, timeoutMs) =>
      stream(peer.stream('retireLog', request, { timeoutMs, silenceMs: timeoutMs })),
    confirmClock: (operatorClockMs) => call(peer.unary('confirmClock', { operatorClockMs })),
    close: () => peer.close(),
  }
}
