import { lookup } from 'node:dns/promises'
import { isIP, isIPv6 } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { monotonicMs } from '@fractal-lba/clock'
import { parseAddress } from '../env.js'
import type { Endpoint } from './transport.js'

/** All IP addresses of a host. */
export type Resolve = (host: string) => Promise<readonly string[]>

export const resolveHost: Resolve = async (host) =>
  (await lookup(host, { all: true })).map(({ address }) => address)

export interface ResolvedNameOptions {
  readonly resolve: Resolve
  /** While it is in use, it is resolved again that often. */
  readonly everyMs: number
  /** It stands for one server: nothing is known of a name that has the addresses of several. */
  readonly isOneServer: boolean
}

/** A name that cannot be resolved is not asked for again sooner. */
const RETRY_MS = 100

/** The servers behind one name: known at once for an IP address, else resolved when used, and again while in use. */
export class ResolvedName {
  readonly #name: string
  readonly #host: string
  readonly #port: number
  readonly #options: ResolvedNameOptions
  readonly #onAnswer: () => void
  #known: readonly Endpoint[] = []
  #refusal: string | undefined
  #asking: Promise<void> | undefined
  #askAtMs = 0

  /** @param onAnswer called when an answer has come, whether it differs or not */
  constructor(name: string, isKnown: boolean, options: ResolvedNameOptions, onAnswer: () => void) {
    const { host, port } = parseAddress(name) ?? { host: name, port: 0 }
    this.#name = name
    this.#host = host
    this.#port = port
    this.#options = options
    this.#onAnswer = onAnswer
    if (isKnown || isIP(host) !== 0) {
      this.#known = [{ name, address: name }]
      this.#askAtMs = Number.POSITIVE_INFINITY
    }
  }

  get known(): readonly Endpoint[] {
    return this.#known
  }

  /** Why nothing is known, where the answer was one that may not be. */
  get refusal(): string | undefined {
    return this.#refusal
  }

  /** The question under way; never rejects. */
  get asking(): Promise<void> | undefined {
    return this.#asking
  }

  askWhenDue(): void {
    if (monotonicMs() >= this.#askAtMs) this.#ask()
  }

  refresh(): void {
    if (this.#askAtMs !== Number.POSITIVE_INFINITY) this.#ask()
  }

  #ask(): void {
    this.#asking ??= this.#answer().finally(() => {
      this.#asking = undefined
      this.#onAnswer()
    })
  }

  async #answer(): Promise<void> {
    const { resolve, everyMs, isOneServer } = this.#options
    try {
      const addresses = [...new Set(await resolve(this.#host))]
      this.#askAtMs = monotonicMs() + everyMs
      this.#refusal = isOneServer ? whyNotOne(this.#name, addresses) : undefined
      if (this.#refusal !== undefined) this.#known = []
      // What is connected stays connected while the name has no address.
      else if (addresses.length > 0) this.#known = addresses.map((address) => this.#endpoint(address))
    } catch {
      // The caller gets "not reachable" when nothing is known; what is known serves on.
      this.#askAtMs = monotonicMs() + RETRY_MS
    }
  }

  #endpoint(ip: string): Endpoint {
    return { name: this.#name, address: `${isIPv6(ip) ? `[${ip}]` : ip}:${this.#port}` }
  }
}

/** A start waits no longer for the answers of a resolver. */
const LOOK_MS = 2_000

/**
 * Looks at names that must stand for one server each, once, before they are used.
 *
 * @returns a sentence for each that has the addresses of several now; one that cannot be resolved yet is none of them
 */
export async function refusalsOfNames(
  names: readonly string[],
  resolve: Resolve = resolveHost,
): Promise<readonly string[]> {
  const refusals = names.map(async (name) => {
    const { host } = parseAddress(name) ?? { host: name }
    if (isIP(host) !== 0) return []
    const timer = sleep(LOOK_MS, [], { ref: false })
    const addresses = await Promise.race([resolve(host).catch(() => []), timer])
    return whyNotOne(name, addresses) ?? []
  })
  return (await Promise.all(refusals)).flat()
}

/** One host may have an address of each kind, as localhost has. */
function whyNotOne(name: string, addresses: readonly string[]): string | undefined {
  const ipv6 = addresses.filter((address) => isIPv6(address)).length
  const count = Math.max(ipv6, addresses.length - ipv6)
  if (count < 2) return undefined
  return `${name} is a name with ${count} addresses: give each server a name of its own, and list these names, separated by commas`
}
