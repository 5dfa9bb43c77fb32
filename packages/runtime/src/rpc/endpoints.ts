import { lookup } from 'node:dns/promises'
import { isIP, isIPv6 } from 'node:net'
import { monotonicMs } from '../clock/monotonic.js'
import { parseAddress } from '../env.js'
import type { Endpoint } from './transport.js'

/** All IP addresses of a host. */
export type Resolve = (host: string) => Promise<readonly string[]>

export const resolveHost: Resolve = async (host) =>
  (await lookup(host, { all: true })).map(({ address }) => address)

/** A name that cannot be resolved is not asked for again sooner. */
const RETRY_MS = 100

/** The servers behind one name: known at once for an IP address, else resolved when used, and again while in use. */
export class Endpoints {
  readonly #name: string
  readonly #host: string
  readonly #port: number
  readonly #resolve: Resolve
  readonly #everyMs: number
  readonly #listeners = new Set<() => void>()
  #known: readonly Endpoint[] = []
  #asking: Promise<void> | undefined
  #askAtMs = 0

  /** @param isKnown whether the transport knows the name, so that nothing is to be resolved */
  constructor(name: string, isKnown: boolean, { resolve, everyMs }: { resolve: Resolve; everyMs: number }) {
    const { host, port } = parseAddress(name) ?? { host: name, port: 0 }
    this.#name = name
    this.#host = host
    this.#port = port
    this.#resolve = resolve
    this.#everyMs = everyMs
    if (isKnown || isIP(host) !== 0) {
      this.#known = [{ name, address: name }]
      this.#askAtMs = Number.POSITIVE_INFINITY
    }
  }

  /** What is known now; asks again in the background when that is due. */
  get known(): readonly Endpoint[] {
    if (monotonicMs() >= this.#askAtMs) this.#ask()
    return this.#known
  }

  /** Whether a first answer is still awaited. */
  get isAsking(): boolean {
    return this.#asking !== undefined
  }

  /** The servers, after the first answer. Empty: the name cannot be resolved. */
  async first(): Promise<readonly Endpoint[]> {
    if (this.known.length === 0) await this.#asking
    return this.#known
  }

  /** Something has changed there, a server drains for instance: asks again now. */
  refresh(): void {
    if (this.#askAtMs !== Number.POSITIVE_INFINITY) this.#ask()
  }

  /** Called when an answer has come, whether it differs or not. */
  onAnswer(listener: () => void): void {
    this.#listeners.add(listener)
  }

  #ask(): void {
    this.#asking ??= this.#answer().finally(() => {
      this.#asking = undefined
      for (const listener of this.#listeners) listener()
    })
  }

  async #answer(): Promise<void> {
    try {
      const addresses = [...new Set(await this.#resolve(this.#host))]
      this.#askAtMs = monotonicMs() + this.#everyMs
      // What is connected stays connected while the name has no address.
      if (addresses.length > 0) this.#known = addresses.map((address) => this.#endpoint(address))
    } catch {
      // The caller gets "not reachable" when nothing is known; what is known serves on.
      this.#askAtMs = monotonicMs() + RETRY_MS
    }
  }

  #endpoint(ip: string): Endpoint {
    return { name: this.#name, address: `${isIPv6(ip) ? `[${ip}]` : ip}:${this.#port}` }
  }
}
