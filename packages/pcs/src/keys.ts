import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  hash,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto'
import { decodeCanonicalBase64 } from './base64.js'
import { flawOfPublicKey } from './ed25519-point.js'

/** When a key counts, in milliseconds since 1970; both ends belong to the window, a missing end is open. */
export interface KeyWindow {
  readonly notBeforeMs?: number | undefined
  readonly notAfterMs?: number | undefined
}

/** When and for what a key counts. */
export interface KeyRules extends KeyWindow {
  /** The shards that it may sign for: whole ids, or beginnings of ids that end in `*`. All unless told. */
  readonly shards?: readonly string[] | undefined
}

/** Whether a key counts for a record of a shard at a time, wall clock. */
export function counts(
  { notBeforeMs, notAfterMs, shards }: KeyRules,
  shardId: string,
  nowMs: number,
): boolean {
  if (nowMs < (notBeforeMs ?? -Infinity) || nowMs > (notAfterMs ?? Infinity)) return false
  return shards === undefined || shards.some((shard) => isShard(shard, shardId))
}

function isShard(shard: string, shardId: string): boolean {
  return shard.endsWith('*') ? shardId.startsWith(shard.slice(0, -1)) : shardId === shard
}

/** A key that cannot be used; the message is a sentence for the operator and holds nothing of the key. */
export class UnusableKey extends Error {
  override readonly name = 'UnusableKey'
}

/** What a key's id is made of beside the key. An HMAC key signs nothing else than it and digests of 32 bytes. */
const keyIdLabel = 'fractal-lba/key-id/v1'

/** Below that an HMAC key is weak. */
const HMAC_BYTES_MIN = 16

/** A secret that signs and verifies. It prints as its id only. */
export class HmacKey {
  readonly algorithm = 'hmac'
  /** `hmac:` and 12 hex digits: stable, and safe to log and store. */
  readonly id: string
  /** It has so few bytes that it can be guessed from one signature. */
  readonly isWeak: boolean
  readonly #key: KeyObject

  constructor(
    secret: Buffer,
    readonly rules: KeyRules,
  ) {
    this.isWeak = secret.length < HMAC_BYTES_MIN
    this.#key = createSecretKey(secret)
    this.id = `hmac:${createHmac('sha256', this.#key).update(keyIdLabel).digest('hex').slice(0, 12)}`
  }

  /** The 32 bytes of HMAC-SHA256 over the digest. */
  mac(digest: Uint8Array): Buffer {
    // Through a Latin-1 string into Buffer's pool: less time than a buffer from the HMAC.
    return Buffer.from(createHmac('sha256', this.#key).update(digest).digest('binary'), 'latin1')
  }
}

/** A public key that verifies. */
export class Ed25519PublicKey {
  readonly algorithm = 'ed25519'
  /** `ed25519:` and 12 hex digits: stable. */
  readonly id: string
  /** The raw 32 bytes, as they are configured. */
  readonly base64: string
  readonly #key: KeyObject

  constructor(
    raw: Buffer,
    readonly rules: KeyRules,
  ) {
    this.#key = createPublicKey({
      key: Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), raw]),
      format: 'der',
      type: 'spki',
    })
    this.base64 = raw.toString('base64')
    this.id = `ed25519:${hash('sha256', Buffer.concat([Buffer.from(keyIdLabel), raw]), 'hex').slice(0, 12)}`
  }

  /** RFC 8032, strict: no cofactor, no second encoding of anything (never ZIP215). */
  verify(digest: Uint8Array, signature: Uint8Array): boolean {
    return verify(null, digest, this.#key, signature)
  }

  /** As `verify`, on one of libuv's threads, so that this one goes on meanwhile. */
  verifyAside(digest: Uint8Array, signature: Uint8Array): Promise<boolean> {
    return new Promise((resolve, reject) => {
      verify(null, digest, this.#key, signature, (error, fits) => (error ? reject(error) : resolve(fits)))
    })
  }
}

/** A key that verifies. */
export type VerifyingKey = HmacKey | Ed25519PublicKey

/** A private key that signs. It prints as its id only. */
export class Ed25519PrivateKey {
  readonly algorithm = 'ed25519'
  readonly publicKey: Ed25519PublicKey
  readonly #key: KeyObject

  constructor(seed: Buffer) {
    this.#key = createPrivateKey({
      key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]),
      format: 'der',
      type: 'pkcs8',
    })
    const spki = createPublicKey(this.#key).export({ format: 'der', type: 'spki' })
    this.publicKey = new Ed25519PublicKey(spki.subarray(-32), {})
  }

  /** The id of the public key that verifies. */
  get id(): string {
    return this.publicKey.id
  }

  /** The 64 bytes of the signature. */
  sign(digest: Uint8Array): Buffer {
    return sign(null, digest, this.#key)
  }
}

/**
 * An HMAC key: the UTF-8 bytes of the text, never base64-decoded.
 * @throws UnusableKey when it is empty
 */
export function hmacKey(utf8: string, rules: KeyRules = {}): HmacKey {
  if (utf8 === '') throw new UnusableKey('The HMAC key is empty.')
  return new HmacKey(Buffer.from(utf8), rules)
}

/**
 * A public key from the base64 of its raw 32 bytes.
 * @throws UnusableKey when the base64 is not canonical, and for points of low order or in non-canonical form
 */
export function ed25519PublicKey(base64: string, rules: KeyRules = {}): Ed25519PublicKey {
  const raw = raw32(base64, 'public')
  const flaw = flawOfPublicKey(raw)
  if (flaw !== undefined) throw new UnusableKey(`The Ed25519 public key ${flaw}.`)
  return new Ed25519PublicKey(raw, rules)
}

/**
 * A private key from the base64 of its raw 32-byte seed.
 * @throws UnusableKey when the base64 is not canonical or not 32 bytes long
 */
export function ed25519PrivateKey(base64: string): Ed25519PrivateKey {
  return new Ed25519PrivateKey(raw32(base64, 'private'))
}

function raw32(base64: string, kind: string): Buffer {
  const raw = decodeCanonicalBase64(base64)
  if (raw?.length !== 32) {
    throw new UnusableKey(`The Ed25519 ${kind} key is not the base64 of 32 raw bytes, with padding.`)
  }
  return raw
}
