import { naturalLogarithm } from './logarithm.js'
import { MersenneTwister } from './mersenne-twister.js'

/**
 * Normal deviates by the polar method, in the order in which the deployed agents' generator gives them: of
 * each accepted pair first f·x2, then f·x1 (the contract, section 3).
 */
export class GaussianSource {
  readonly #uniform: MersenneTwister
  #second: number | undefined

  /** @param seed any safe integer; its value modulo 2^32 counts. */
  constructor(seed: number) {
    this.#uniform = new MersenneTwister(seed)
  }

  next(): number {
    if (this.#second !== undefined) {
      const kept = this.#second
      this.#second = undefined
      return kept
    }
    for (;;) {
      const x1 = 2 * this.#uniform.nextDouble() - 1
      const x2 = 2 * this.#uniform.nextDouble() - 1
      const q = x1 * x1 + x2 * x2
      if (q >= 1 || q === 0) continue
      const f = Math.sqrt((-2 * naturalLogarithm(q)) / q)
      this.#second = f * x1
      return f * x2
    }
  }
}
