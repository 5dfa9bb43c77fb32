import { type Ed25519PrivateKey, type HmacKey, type Pcs, sign } from '@fractal-lba/pcs'

/**
 * The record with its signature. −0 becomes 0 in every float first, because the two sign differently and agents
 * send 0 (the contract, section 2); nothing else changes, and nothing is validated.
 */
export function signRecord(record: Pcs, key: HmacKey | Ed25519PrivateKey): Pcs {
  const [x, y, z] = record.v_star
  const unsigned = {
    ...record,
    D_hat: record.D_hat + 0,
    coh_star: record.coh_star + 0,
    r: record.r + 0,
    budget: record.budget + 0,
    v_star: [x + 0, y + 0, z + 0] as const,
  }
  return { ...unsigned, sig: sign(unsigned, key) }
}
