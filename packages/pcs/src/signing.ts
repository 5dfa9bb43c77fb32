import { hash, timingSafeEqual } from 'node:crypto'
import { decodeCanonicalBase64 } from './base64.js'
import { type CanonicalFields, signingText } from './canonical.js'
import {
  counts,
  type Ed25519PrivateKey,
  type Ed25519PublicKey,
  type HmacKey,
  type VerifyingKey,
} from './keys.js'
import type { Pcs, SignedFields } from './record.js'

/** The keys that signatures are verified with: several at once, of either algorithm, while they are rotated. */
export type KeyRing =
  | { readonly algorithm: 'none' }
  | { readonly algorithm: 'hmac' | 'ed25519' | 'both'; readonly keys: readonly VerifyingKey[] }

/** Of a signature. */
const HMAC_BYTES = 32
const ED25519_BYTES = 64

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

/** Says whether a signature verifies under a key. */
export type Ed25519Check<Answer> = (key: Ed25519PublicKey, digest: Buffer, signature: Buffer) => Answer

/** A record with its signature, and what it is held against. */
interface Claim {
  readonly digest: Buffer
  readonly signature: Buffer
  readonly keys: readonly VerifyingKey[]
  readonly shardId: string
  /** Wall clock: the time that the keys' windows are held against. */
  readonly nowMs: number
}

/**
 * The id of the key that the record's signature verifies under, `'none'` with the ring that asks for none, else
 * undefined, whatever is wrong. Every HMAC key is tried, also after one that fits, and compared in constant time;
 * Ed25519 has no secret here, so of its keys those that count are tried until one fits.
 *
 * @param nowMs wall clock: the time that the keys' windows are held against
 */
export function verifySignature(
  pcs: SignedFields & Pick<Pcs, 'sig'>,
  ring: KeyRing,
  nowMs: number = Date.now(),
): string | undefined {
  if (ring.algorithm === 'none') return 'none'
  const claim = claimOf(pcs, ring.keys, nowMs)
  if (claim === undefined) return undefined
  const { digest, signature } = claim
  return hmacKeyOf(claim) ?? ed25519KeysOf(claim).find((key) => key.verify(digest, signature))?.id
}

/**
 * As `verifySignature`, where Ed25519 is checked by somebody else: it takes some hundred microseconds.
 *
 * @param texts of the record, where they are needed for its fingerprint too
 * @throws what the check throws
 */
export async function verifySignatureBy(
  check: Ed25519Check<Promise<boolean>>,
  pcs: SignedFields & Pick<Pcs, 'sig'>,
  ring: KeyRing,
  texts?: CanonicalFields,
): Promise<string | undefined> {
  if (ring.algorithm === 'none') return 'none'
  const claim = claimOf(pcs, ring.keys, Date.now(), texts)
  if (claim === undefined) return undefined
  const hmacKeyId = hmacKeyOf(claim)
  if (hmacKeyId !== undefined) return hmacKeyId
  for (const key of ed25519KeysOf(claim)) {
    if (await check(key, claim.digest, claim.signature)) return key.id
  }
  return undefined
}

/** Undefined where the signature is none. */
function claimOf(
  pcs: SignedFields & Pick<Pcs, 'sig'>,
  keys: readonly VerifyingKey[],
  nowMs: number,
  texts?: CanonicalFields,
): Claim | undefined {
  const signature = pcs.sig === undefined ? undefined : decodeCanonicalBase64(pcs.sig)
  if (signature === undefined) return undefined
  return { digest: digest(pcs, texts), signature, keys, shardId: pcs.shard_id, nowMs }
}

function hmacKeyOf({ digest, signature, keys, shardId, nowMs }: Claim): string | undefined {
  if (signature.length !== HMAC_BYTES) return undefined
  let fitting: string | undefined
  for (const key of keys) {
    if (key.algorithm !== 'hmac') continue
    const fits = timingSafeEqual(key.mac(digest), signature)
    if (fits && counts(key.rules, shardId, nowMs)) fitting ??= key.id
  }
  return fitting
}

function ed25519KeysOf({ signature, keys, shardId, nowMs }: Claim): readonly Ed25519PublicKey[] {
  if (signature.length !== ED25519_BYTES) return []
  return keys.filter(
    (key): key is Ed25519PublicKey => key.algorithm === 'ed25519' && counts(key.rules, shardId, nowMs),
  )
}
