/**
 * Signing where there is no node:crypto: browsers, workers, other runtimes. It needs `crypto.subtle` for SHA-2, which
 * browsers have on https pages and on localhost, and takes Ed25519 from @noble/ed25519. HMAC is not here: a secret that
 * is in a page is everybody's.
 */

import type { Pcs, SignedFields } from '@fractal-lba/pcs'
import { signingText, withoutNegativeZeros } from '@fractal-lba/pcs/canonical'
import { getPublicKeyAsync, signAsync } from '@noble/ed25519'

const SEED_BYTES = 32
const utf8 = new TextEncoder()

/** A private key of Ed25519. It prints without its seed. */
export class WebSigningKey {
  /** The base64 of the raw 32 bytes, as the verifier is given them. */
  readonly publicKey: string
  readonly #seed: Uint8Array

  private constructor(seed: Uint8Array, publicKey: string) {
    this.#seed = seed
    this.publicKey = publicKey
  }

  /**
   * From the base64 of the raw 32-byte seed, as `pcs keygen` prints it.
   * @throws TypeError when the base64 is not canonical or not 32 bytes long; nothing of the key is in it
   */
  static async fromBase64(base64: string): Promise<WebSigningKey> {
    const seed = bytesOf(base64)
    if (seed?.length !== SEED_BYTES || base64Of(seed) !== base64) {
      throw new TypeError('The Ed25519 private key is not the base64 of 32 raw bytes, with padding.')
    }
    return new WebSigningKey(seed, base64Of(await getPublicKeyAsync(seed)))
  }

  /** The 64 bytes of the signature. */
  sign(digest: Uint8Array): Promise<Uint8Array> {
    return signAsync(digest, this.#seed)
  }
}

/**
 * As `signRecord`: the record with its signature. Nothing changes but zeros, and nothing is validated; a plain object
 * stays one, so that `JSON.stringify` makes the body of it.
 */
export async function signRecordOnWeb<Record extends SignedFields & Pick<Pcs, 'v_star'>>(
  record: Record,
  key: WebSigningKey,
): Promise<Record & { readonly sig: string }> {
  const unsigned = withoutNegativeZeros(record)
  const signature = await key.sign(await sha256(signingText(unsigned)))
  return { ...unsigned, sig: base64Of(signature) }
}

/** As `pcsId`: the id that a record must bear. */
export async function pcsIdOnWeb(merkleRoot: string, epoch: number, shardId: string): Promise<string> {
  const bytes = await sha256(`${merkleRoot}|${epoch}|${shardId}`)
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** SHA-256 over UTF-8. */
async function sha256(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', utf8.encode(text)))
}

function bytesOf(base64: string): Uint8Array | undefined {
  try {
    return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
  } catch {
    return undefined
  }
}

function base64Of(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
}
