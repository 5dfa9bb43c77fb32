import { type Ed25519PrivateKey, type HmacKey, type Pcs, sign, withoutNegativeZeros } from '@fractal-lba/pcs'

/** The record with its signature. Nothing changes but zeros, and nothing is validated. */
export function signRecord(record: Pcs, key: HmacKey | Ed25519PrivateKey): Pcs {
  const unsigned = withoutNegativeZeros(record)
  return { ...unsigned, sig: sign(unsigned, key) }
}
