import type { record } from '@fractal-lba/proto'

const BITS_PER_CHUNK = 2 ** 15

/**
 * The verdicts that a fill has found to be expired, each named by the position of the record that was judged: a later
 * mark of a duplicate must not bring them back. One bit for each position, in chunks that are made on demand.
 */
export class ExpiredVerdicts {
  readonly #chunks = new Map<string, Uint8Array>()

  add(origin: record.Position): void {
    const name = chunkName(origin)
    let chunk = this.#chunks.get(name)
    if (!chunk) {
      chunk = new Uint8Array(BITS_PER_CHUNK / 8)
      this.#chunks.set(name, chunk)
    }
    const bit = origin.sequence % BITS_PER_CHUNK
    chunk[bit >> 3] = (chunk[bit >> 3] ?? 0) | (1 << (bit & 7))
  }

  has(origin: record.Position): boolean {
    const bit = origin.sequence % BITS_PER_CHUNK
    return (((this.#chunks.get(chunkName(origin))?.[bit >> 3] ?? 0) >> (bit & 7)) & 1) === 1
  }
}

function chunkName({ logId, sequence }: record.Position): string {
  return `${logId}/${Math.floor(sequence / BITS_PER_CHUNK)}`
}

const WORDS = 3
const HEX_DIGITS = 7
const BITS = 2 ** (4 * HEX_DIGITS)

/**
 * Which ids were seen, in 32 MiB however many they are: a pcs_id is a SHA-256, so its digits are the hashes of a
 * Bloom filter. Of one that was not seen it says in one case of a million that it was, when there are a million.
 */
export class SeenIds {
  readonly #bits = new Uint8Array(BITS / 8)

  add(pcsId: string): void {
    for (let word = 0; word < WORDS; word += 1) {
      const bit = bitOf(pcsId, word)
      this.#bits[bit >>> 3] = (this.#bits[bit >>> 3] ?? 0) | (1 << (bit & 7))
    }
  }

  has(pcsId: string): boolean {
    for (let word = 0; word < WORDS; word += 1) {
      const bit = bitOf(pcsId, word)
      if ((((this.#bits[bit >>> 3] ?? 0) >>> (bit & 7)) & 1) === 0) return false
    }
    return true
  }
}

function bitOf(pcsId: string, word: number): number {
  return Number.parseInt(pcsId.slice(word * HEX_DIGITS, (word + 1) * HEX_DIGITS), 16)
}
