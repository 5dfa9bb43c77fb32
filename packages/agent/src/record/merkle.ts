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
  // Of each level at most one node waits for its right neighbour: so many trees are whole, from small to large.
  const waiting: (string | undefined)[] = []
  for (let start = 0; start < rows.length; start += chunkBytes) {
    let node = hash('sha256', rows.subarray(start, start + chunkBytes))
    let level = 0
    for (let left = waiting[level]; left !== undefined; left = waiting[level]) {
      waiting[level++] = undefined
      node = parentOf(left, node)
    }
    waiting[level] = node
  }
  return rootOf(waiting)
}

/** Joins what waits on each level; a node without a neighbour pairs with itself, unless it is the only one. */
function rootOf(waiting: readonly (string | undefined)[]): string {
  let last: string | undefined
  for (const [level, left] of waiting.entries()) {
    if (left !== undefined && last !== undefined) last = parentOf(left, last)
    else if (last !== undefined) last = parentOf(last, last)
    else if (left !== undefined) last = level === waiting.length - 1 ? left : parentOf(left, left)
  }
  return last ?? NO_LEAVES
}

function parentOf(left: string, right: string): string {
  return hash('sha256', left + right)
}
