import type { Pcs } from '@fractal-lba/pcs'

type Floats = Pick<Pcs, 'D_hat' | 'coh_star' | 'r' | 'budget' | 'v_star'>

/** −0 becomes 0 in every float, because the two sign differently and agents send 0 (the contract, section 2). */
export function withoutNegativeZeros<Record extends Floats>(record: Record): Record {
  const [x, y, z] = record.v_star
  return {
    ...record,
    D_hat: record.D_hat + 0,
    coh_star: record.coh_star + 0,
    r: record.r + 0,
    budget: record.budget + 0,
    v_star: [x + 0, y + 0, z + 0],
  }
}
