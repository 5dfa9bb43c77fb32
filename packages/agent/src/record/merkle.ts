import { hash } from 'node:crypto'

/** The chunk that the deployed agents hash at a time. */
export const CHUNK_BYTES_DEFAULT = 64

const NO_LEAVES = '0'.repeat(64)

/**
 * The Merkle root of the rows as 64 hex digits (the contract, section 3): leaves are the SHA-256 of each
 * chunk; a parent hashes the hex texts of its two children, joined; an odd last node pairs with itself. A
 * single leaf is the root; no bytes give 64 zeros.
 *
 * @param chunkBytes a whole number from 1 on
 */
export function merkleRoot(rows: Uint8Array, chunkBytes = CHUNK_BYTES_DEFAULT): string {
  if (!Number.isSafeInteger(chunkBytes) || chunkBytes < 1) {
    throw new RangeError('chunkBytes must be a whole number from 1 on')
  }
  let level: string[] = []
  for (let start = 0; start < rows.length; start += chunkBytes) {
    level.push(hash('sha256', rows.subarray(start, start + chunkBytes)))
  }
  while (level.length > 1) level = parentsOf(level)
  return level[0] ?? NO_LEAVES
}

function parentsOf(level: readonly string[]): string[] {
  const parents: string[] = []
  for (let i = 0; i < level.length; i += 2) {
    const left = level[i] ?? ''
    parents.push(hash('sha256', left + (level[i + 1] ?? left)))
  }
  return parents
}
