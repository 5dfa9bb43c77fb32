import { deflateSync } from 'node:zlib'
import { round9 } from '@fractal-lba/pcs'

/**
 * r: the length of the rows under zlib level 6 divided by their own, clamped to [0, 1] and rounded; 1 for no
 * bytes (the contract, section 3). Builds of zlib differ by some per cent, so r does as well.
 */
export function compressibility(rows: Uint8Array): number {
  if (rows.length === 0) return 1
  return round9(Math.min(1, deflateSync(rows, { level: 6 }).length / rows.length))
}
