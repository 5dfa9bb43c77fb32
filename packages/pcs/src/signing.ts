import { hash, timingSafeEqual } from 'node:crypto'
import { decodeCanonicalBase64 } from './base64.js'
import { type CanonicalFields, signingText } from './canonical.js'
import type { Ed25519PrivateKey, Ed25519PublicKey, HmacKey, KeyWindow } from './keys.js'
import type { Pcs, SignedFields } from './record.js'

/** The keys that signatures are verified with: of one algorithm, several at once while keys are rotated. */
export type KeyRing =
  | { readonly algorithm: 'none' }
  | { readonly algorithm: 'hmac'; readonly keys: readonly HmacKey[] }
  | { readonly algorithm: 'ed25519'; readonly keys: readonly Ed25519PublicKey[] }

const hmacBytes = 32
const ed25519Bytes = 64

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
  const lengthDue = ring.algorithm === 'hmac' ? hmacBytes : ed25519Bytes
  if (signature?.length !== lengthDue) return undefined

  const bytes = digest(pcs, texts)
  let fitting: string | undefined
  if (ring.algorithm === 'hmac') {
    for (const key of ring.keys) {
      if (timingSafeEqual(key.mac(bytes), signature) && counts(key.window, nowMs)) fitting ??= key.id
    }
  } else {
    for (const key of ring.keys) {
      if (key.verify(bytes, signature) && counts(key.window, nowMs)) fitting ??= key.id
    }
  }
  return fitting
}

function counts(window: KeyWindow, nowMs: number): boolean {
  return nowMs >= (window.notBeforeMs ?? -Infinity) && nowMs <= (window.notAfterMs ?? Infinity)
}
