import { recordMaker } from '@fractal-lba/load'
import type { HmacKey } from '@fractal-lba/pcs'

/** Records a second, and of which kind: shares of 0 to 1. */
export interface Mix {
  readonly rate: number
  readonly duplicates: number
  readonly badSignatures: number
  readonly conflicts: number
  readonly escalations: number
}

export const usualMix: Mix = {
  ...{ rate: 20, duplicates: 0.2 },
  ...{ badSignatures: 0, conflicts: 0, escalations: 0 },
}

const TICK_MS = 50
const IN_FLIGHT_MAX = 256
const REMEMBERED = 512
const ANSWER_LIMIT_MS = 10_000

/** Agents that send what the mix says, and do not try again. */
export class Traffic {
  readonly #url: string
  readonly #fresh: () => { readonly body: string }
  readonly #sent: string[] = []
  readonly #timer: NodeJS.Timeout
  #mix: Mix = usualMix
  #due = 0
  #inFlight = 0

  constructor(baseUrl: string, key: HmacKey) {
    this.#url = `${baseUrl}/v1/pcs/submit`
    this.#fresh = recordMaker({ seed: Date.now() % 2 ** 31, key })
    this.#timer = setInterval(() => this.#tick(), TICK_MS)
  }

  /** Over the usual mix, from now on. */
  set(mix: Partial<Mix>): void {
    this.#mix = { ...usualMix, ...mix }
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** Sends one record, and says how it was answered; undefined when it was not. */
  async send(body: string): Promise<number | undefined> {
    this.#inFlight += 1
    try {
      const answer = await fetch(this.#url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
        signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
      })
      await answer.arrayBuffer()
      return answer.status
    } catch {
      // Refused or cut: an agent would try again.
      return undefined
    } finally {
      this.#inFlight -= 1
    }
  }

  /** A record that nobody has sent. */
  next(): string {
    return this.#fresh().body
  }

  #tick(): void {
    this.#due = Math.min(this.#due + (this.#mix.rate * TICK_MS) / 1_000, IN_FLIGHT_MAX)
    for (; this.#due >= 1 && this.#inFlight < IN_FLIGHT_MAX; this.#due -= 1) void this.send(this.#chosen())
  }

  #chosen(): string {
    const { duplicates, badSignatures, conflicts, escalations } = this.#mix
    const earlier = this.#sent[Math.floor(Math.random() * this.#sent.length)]
    let lot = Math.random()
    const falls = (share: number): boolean => {
      lot -= share
      return lot < 0
    }
    if (earlier !== undefined && falls(duplicates)) return earlier
    // The seed is in the fingerprint, and not signed.
    if (earlier !== undefined && falls(conflicts)) return earlier.replace('"seed":42', '"seed":43')
    const body = this.next()
    if (falls(badSignatures)) return body.replace(/"sig":"./, '"sig":"-')
    // Nor is the regime signed.
    if (falls(escalations)) return body.replace(/"regime":"\w+"/, otherRegime)
    if (this.#sent.length < REMEMBERED) this.#sent.push(body)
    else this.#sent[Math.floor(Math.random() * REMEMBERED)] = body
    return body
  }
}

function otherRegime(stated: string): string {
  return stated.includes('"sticky"') ? '"regime":"mixed"' : '"regime":"sticky"'
}
