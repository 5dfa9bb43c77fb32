import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { type ClientTls, type Exchange, exchange, type TraceHeaders } from '../exchange.js'

export interface DelivererOptions {
  readonly endpoint: URL
  readonly tls?: ClientTls
  readonly timeoutMs: number
  /** Connections that are kept open. */
  readonly connectionsMax: number
}

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
    const { endpoint, timeoutMs } = this.#options
    return exchange({
      endpoint,
      timeoutMs,
      path: 'v1/pcs/submit',
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-length': record.length, ...trace },
      body: record,
      agent: this.#agent,
      signal,
    })
  }

  close(): void {
    this.#agent.destroy()
  }
}
