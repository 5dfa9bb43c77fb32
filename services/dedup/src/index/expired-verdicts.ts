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
