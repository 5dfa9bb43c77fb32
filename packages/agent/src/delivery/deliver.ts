import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import {
  type ClientTls,
  type Exchange,
  type ExchangeRequest,
  exchange,
  type TraceHeaders,
} from '../exchange.js'
import { batchOf } from './batches.js'

export interface DelivererOptions {
  readonly endpoint: URL
  readonly tls?: ClientTls
  readonly timeoutMs: number
  /** Connections that are kept open. */
  readonly connectionsMax: number
}

/** A gateway works on a batch for 10 s at most; the rest is for its way there and back. */
const BATCH_TIMEOUT_MS_MIN = 30_000
/** Each line may be a problem with its 100 errors. */
const BATCH_ANSWER_BYTES_MAX = 16 * 2 ** 20

/** The way to the gateway for many records: over connections that are kept. */
export class Deliverer {
  readonly #options: DelivererOptions
  readonly #agent: HttpAgent

  constructor(options: DelivererOptions) {
    this.#options = options
    const limits = { keepAlive: true, maxSockets: options.connectionsMax }
    this.#agent =
      options.endpoint.protocol === 'https:'
        ? new HttpsAgent({ ...limits, ...options.tls })
        : new HttpAgent(limits)
  }

  /** Posts the bytes as they are. @param trace the span that this is a part of @throws NoAnswer */
  readonly deliver = (record: Uint8Array, signal: AbortSignal, trace?: TraceHeaders): Promise<Exchange> => {
    const { timeoutMs } = this.#options
    return this.#post('submit', 'application/json', record, { timeoutMs, signal }, trace)
  }

  /** Posts them in one request, one a line. @throws NoAnswer */
  readonly deliverBatch = (
    records: readonly Uint8Array[],
    signal: AbortSignal,
    trace?: TraceHeaders,
  ): Promise<Exchange> => {
    const timeoutMs = Math.max(this.#options.timeoutMs, BATCH_TIMEOUT_MS_MIN)
    const limits = { timeoutMs, signal, answerBytesMax: BATCH_ANSWER_BYTES_MAX }
    return this.#post('batch', 'application/x-ndjson', batchOf(records), limits, trace)
  }

  #post(
    path: 'submit' | 'batch',
    type: string,
    body: Uint8Array,
    limits: Pick<ExchangeRequest, 'timeoutMs' | 'signal' | 'answerBytesMax'>,
    trace: TraceHeaders | undefined,
  ): Promise<Exchange> {
    const headers = { 'content-type': type, 'content-length': body.length, ...trace }
    const { endpoint } = this.#options
    const agent = this.#agent
    return exchange({ endpoint, path: `v1/pcs/${path}`, method: 'POST', headers, body, agent, ...limits })
  }

  close(): void {
    this.#agent.destroy()
  }
}
