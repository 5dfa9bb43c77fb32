import { hash, timingSafeEqual } from 'node:crypto'
import { decodeCanonicalBase64 } from './base64.js'
import { type CanonicalFields, signingText } from './canonical.js'
import { counts, type Ed25519PrivateKey, type HmacKey, type VerifyingKey } from './keys.js'
import type { Pcs, SignedFields } from './record.js'

/** The keys that signatures are verified with: several at once, of either algorithm, while they are rotated. */
export type KeyRing =
  | { readonly algorithm: 'none' }
  | { readonly algorithm: 'hmac' | 'ed25519' | 'both'; readonly keys: readonly VerifyingKey[] }

/** Of a signature, bytes. */
const LENGTHS = { hmac: 32, ed25519: 64 } as const

/** SHA-256 of the signing text: the 32 bytes that are signed. */
export function digest(fields: SignedFields, texts?: CanonicalFields): Buffer {
  // Through a Latin-1 string into Buffer's pool: half the time of a buffer from the hash.
  return Buffer.from(hash('sha256', signingText(fields, texts), 'binary'), 'latin1')
}

/** Signs a record: the canonical base64 for its `sig` (docs/contract.md, section 2). Validates nothing. */
export function sign(fields: SignedFields, key: HmacKey | Ed25519PrivateKey): string {
  const bytes = digest(fields)
  const signature = key.algorithm === 'hmac' ? key.mac(bytes) : key.sign(bytes)
  return signature.toString('base64')
}

/**
 * The id of the key that the record's signature verifies under, `'none'` with the ring that asks for none, else
 * undefined, whatever is wrong. Every key is tried, also after one that fits, and compared in constant time.
 *
 * @param nowMs wall clock: the time that the keys' windows are held against
 * @param texts of the record, where they are needed for its fingerprint too
 */
export function verifySignature(
  pcs: SignedFields & Pick<Pcs, 'sig'>,
  ring: KeyRing,
  nowMs: number = Date.now(),
  texts?: CanonicalFields,
): string | undefined {
  if (ring.algorithm === 'none') return 'none'
  const signature = pcs.sig === undefined ? undefined : decodeCanonicalBase64(pcs.sig)
  if (signature === undefined) return undefined

  const bytes = digest(pcs, texts)
  let fitting: string | undefined
  for (const key of ring.keys) {
    if (signature.length !== LENGTHS[key.algorithm]) continue
    if (fits(key, bytes, signature) && counts(key.rules, pcs.shard_id, nowMs)) fitting ??= key.id
  }
  return fitting
}

function fits(key: VerifyingKey, bytes: Buffer, signature: Buffer): boolean {
  return key.algorithm === 'hmac' ? timingSafeEqual(key.mac(bytes), signature) : key.verify(bytes, signature)
}
