import type { Ed25519Check } from '@fractal-lba/pcs'
import { monotonicMs, unavailable } from '@fractal-lba/runtime'

export interface SignatureLimits {
  /** Handed to libuv's threads and not answered yet. */
  readonly underWayMax: number
  /** Beside those; one more is refused at once. */
  readonly waitingMax: number
  /** Whoever waits longer is refused: its caller has given up. */
  readonly waitMaxMs: number
}

interface Waiting {
  readonly sinceMs: number
  readonly begin: () => void
  readonly refuse: (error: Error) => void
}

/**
 * Ed25519 signatures on their way to libuv's threads, in the order in which they came. What is handed over cannot be
 * taken back, so not more is handed over than keeps the threads busy; files and names, which are read by the same
 * threads, do not wait behind all of it either.
 */
export class SignatureQueue {
  readonly #limits: SignatureLimits
  readonly #waiting: Waiting[] = []
  #underWay = 0

  constructor(limits: SignatureLimits) {
    this.#limits = limits
  }

  get waiting(): number {
    return this.#waiting.length
  }

  /** @throws AppError unavailable where it cannot be checked in time */
  readonly check: Ed25519Check<Promise<boolean>> = async (key, digest, signature) => {
    if (this.#underWay < this.#limits.underWayMax) this.#underWay += 1
    else await this.#turn()
    try {
      return await key.verifyAside(digest, signature)
    } finally {
      this.#underWay -= 1
      this.#next()
    }
  }

  #turn(): Promise<void> {
    const { waitingMax } = this.#limits
    if (this.#waiting.length >= waitingMax) {
      throw unavailable(`${waitingMax} signatures wait to be checked, and that is the limit (VERIFY_QUEUE)`)
    }
    return new Promise((begin, refuse) => {
      this.#waiting.push({ sinceMs: monotonicMs(), begin, refuse })
    })
  }

  #next(): void {
    const { waitMaxMs } = this.#limits
    const oldestMs = monotonicMs() - waitMaxMs
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      if (next.sinceMs >= oldestMs) {
        this.#underWay += 1
        next.begin()
        return
      }
      next.refuse(unavailable(`the signature was not checked within ${waitMaxMs} ms`))
    }
  }
}
