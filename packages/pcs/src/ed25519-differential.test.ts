import { createHash } from 'node:crypto'
import { hashes, sign as nobleSign, verify as nobleVerify, Point } from '@noble/ed25519'
import { describe, expect, it } from 'vitest'
import { seededRandom } from '../testing/random.js'
import { Ed25519PublicKey, ed25519PrivateKey, ed25519PublicKey, UnusableKey } from './keys.js'

hashes.sha512 = (message) => createHash('sha512').update(message).digest()

const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n
const P = 2n ** 255n - 19n
const digest = createHash('sha256').update('a record').digest()

const numberOf = (bytes: Uint8Array) => BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`)
const bytesOf = (number: bigint) => Buffer.from(number.toString(16).padStart(64, '0'), 'hex').reverse()
const modulo = (number: bigint) => ((number % ORDER) + ORDER) % ORDER
const challenge = (R: Uint8Array, A: Uint8Array, message: Uint8Array = digest) =>
  numberOf(createHash('sha512').update(R).update(A).update(message).digest()) % ORDER

/** A of which the discrete logarithm is known, so that signatures with any R can be made for it. */
const SECRET = 7n
const A = Buffer.from(Point.BASE.multiply(SECRET).toBytes())
const ORDER8 = Point.fromHex('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a')
const IDENTITY = bytesOf(1n)

/** A signature whose R is r·B + a point of low order that nobody need know, in the bytes given. */
const forged = (R: Uint8Array, r: bigint, secret = SECRET, key: Uint8Array = A) =>
  Buffer.concat([R, bytesOf(modulo(r + challenge(R, key) * secret))])

/** What each says of a signature under a key: the product, noble strict (RFC 8032), noble by ZIP215. */
function verdicts(key: Uint8Array, signature: Uint8Array, message: Uint8Array = digest) {
  const raw = Buffer.from(key)
  const product = ((): boolean | string => {
    try {
      return ed25519PublicKey(raw.toString('base64')).verify(message, signature)
    } catch (error) {
      return error instanceof UnusableKey ? 'no such key' : String(error)
    }
  })()
  const noble = (zip215: boolean) => {
    try {
      return nobleVerify(signature, message, raw, { zip215 })
    } catch {
      return false
    }
  }
  return { product, strict: noble(false), zip215: noble(true) }
}

const R = Point.BASE.multiply(11n)
const good = forged(R.toBytes(), 11n)
const mixedKey = Buffer.from(Point.BASE.multiply(SECRET).add(ORDER8).toBytes())
const withSign = (bytes: Uint8Array): Buffer => bytesOf(numberOf(bytes) | (1n << 255n))
/** Of such a key every k·A is of low order too: the signature holds for many messages. */
const weak = (key: Buffer) => [key, forged(R.toBytes(), 11n, 0n, key)] as const
const reduced = [good.subarray(0, 32), numberOf(good.subarray(32))] as const

describe('what is a signature, beside noble', () => {
  // The product's rule is docs/keys.md: S·B = R + k·A as it stands, R and A in their one form, S below the order of B.
  it.each<[string, readonly [Uint8Array, Uint8Array], boolean | string, boolean, boolean]>([
    ['one as it should be', [A, good], true, true, true],
    ['S + L', [A, Buffer.concat([reduced[0], bytesOf(reduced[1] + ORDER)])], false, false, false],
    ['R is the identity', [A, forged(IDENTITY, 0n)], true, true, true],
    ['R is the identity, y = p + 1', [A, forged(bytesOf(P + 1n), 0n)], false, false, true],
    ['R is the identity, with a sign', [A, forged(withSign(IDENTITY), 0n)], false, false, true],
    ['R is of low order', [A, forged(Buffer.from(ORDER8.toBytes()), 0n)], false, true, true],
    ['R has a part of low order', [A, forged(R.add(ORDER8).toBytes(), 11n)], false, true, true],
    ['A has a part of low order', [mixedKey, forged(R.toBytes(), 11n, SECRET, mixedKey)], false, true, true],
    ['A is the identity', weak(IDENTITY), 'no such key', false, true],
    ['A is the identity, y = p + 1', weak(bytesOf(P + 1n)), 'no such key', false, true],
    ['A is the identity, with a sign', weak(withSign(IDENTITY)), 'no such key', false, true],
    ['A is of order 8', weak(Buffer.from(ORDER8.toBytes())), 'no such key', false, true],
    ['nothing but zeros', [Buffer.alloc(32), Buffer.alloc(64)], 'no such key', false, true],
  ])('%s', (_name, [key, signature], product, strict, zip215) => {
    expect(verdicts(key, signature)).toEqual({ product, strict, zip215 })
  })

  it('would be too much if keys of low order were taken: OpenSSL believes them', () => {
    const [key, signature] = weak(IDENTITY)
    const unchecked = new Ed25519PublicKey(Buffer.from(key), {})
    for (const message of ['one', 'another']) {
      expect(unchecked.verify(createHash('sha256').update(message).digest(), signature)).toBe(true)
    }
  })
})

it('signs as noble does, and what one of them verifies the other verifies', () => {
  const random = seededRandom(11)
  const bytes = (length: number) => Buffer.from(Array.from({ length }, () => random() * 256))
  for (let turn = 0; turn < 25; turn += 1) {
    const [seed, message] = [bytes(32), bytes(32)]
    const key = ed25519PrivateKey(seed.toString('base64'))
    const point = Buffer.from(key.publicKey.base64, 'base64')
    const signature = key.sign(message)
    expect(Buffer.from(nobleSign(message, seed))).toEqual(signature)
    expect(verdicts(point, signature, message)).toEqual({ product: true, strict: true, zip215: true })
    const spoilt = Buffer.from(signature)
    const place = Math.floor(random() * 64)
    spoilt.writeUInt8(spoilt.readUInt8(place) ^ (1 << Math.floor(random() * 8)), place)
    expect(verdicts(point, spoilt, message)).toEqual({ product: false, strict: false, zip215: false })
  }
})
