const WORDS = 624
const MIDDLE = 397
const UPPER_BIT = 0x80000000
const LOWER_BITS = 0x7fffffff
const TWIST = 0x9908b0df

/**
 * MT19937, seeded by `init_genrand(seed mod 2^32)`: the generator of the deployed agents (the contract,
 * section 3), so that the same events and seed give the same directions everywhere.
 */
export class MersenneTwister {
  readonly #state = new Uint32Array(WORDS)
  #position = WORDS

  /** @param seed a safe integer; negative ones count down from 2^32. */
  constructor(seed: number) {
    const state = this.#state
    let previous = seed >>> 0
    state[0] = previous
    for (let i = 1; i < WORDS; i++) {
      previous = (Math.imul(1812433253, previous ^ (previous >>> 30)) + i) >>> 0
      state[i] = previous
    }
  }

  /** The next 32 bits, as an integer in [0, 2^32). */
  nextUint32(): number {
    if (this.#position === WORDS) this.#twist()
    let y = this.#word(this.#position)
    this.#position += 1
    y ^= y >>> 11
    y ^= (y << 7) & 0x9d2c5680
    y ^= (y << 15) & 0xefc60000
    y ^= y >>> 18
    return y >>> 0
  }

  /** The next double in [0, 1), of 53 random bits from two draws. */
  nextDouble(): number {
    const high = this.nextUint32() >>> 5
    const low = this.nextUint32() >>> 6
    return (high * 2 ** 26 + low) / 2 ** 53
  }

  #twist(): void {
    for (let i = 0; i < WORDS; i++) {
      const y = (this.#word(i) & UPPER_BIT) | (this.#word((i + 1) % WORDS) & LOWER_BITS)
      this.#state[i] = this.#word((i + MIDDLE) % WORDS) ^ (y >>> 1) ^ (y & 1 ? TWIST : 0)
    }
    this.#position = 0
  }

  #word(index: number): number {
    return this.#state[index] ?? 0
  }
}
