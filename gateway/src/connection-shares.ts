import type { Socket } from 'node:net'
import { clientKey, type TrustedProxies } from './client-address.js'

export interface ConnectionSharesOptions {
  /** Open connections of one front. */
  readonly connectionsMax: number
  /** They bring the connections of many. */
  readonly proxies: TrustedProxies
  /** Told of each connection that was closed at once. */
  readonly onDropped: () => void
}

/** Who holds the open connections of one front: one client has at most half of them, so that others get in. */
export class ConnectionShares {
  readonly #options: ConnectionSharesOptions
  readonly #open = new Map<string, number>()

  constructor(options: ConnectionSharesOptions) {
    this.#options = options
  }

  /** Counts a connection until it closes, or closes it at once. */
  take(socket: Socket): void {
    const { connectionsMax, proxies, onDropped } = this.#options
    const peer = socket.remoteAddress
    // Undefined: it is gone already.
    if (peer === undefined || proxies.trusts(peer)) return
    const client = clientKey(proxies.clientOf(peer, undefined))
    const open = this.#open.get(client) ?? 0
    if (open >= Math.ceil(connectionsMax / 2)) {
      onDropped()
      socket.destroy()
      return
    }
    this.#open.set(client, open + 1)
    socket.once('close', () => this.#give(client))
  }

  #give(client: string): void {
    const open = (this.#open.get(client) ?? 1) - 1
    if (open === 0) this.#open.delete(client)
    else this.#open.set(client, open)
  }
}
