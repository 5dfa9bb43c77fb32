import { Point, utils } from '@noble/ed25519'
import { describe, expect, it } from 'vitest'
import { seededRandom } from '../testing/random.js'
import { flawOfPublicKey } from './ed25519-point.js'
import { ed25519PrivateKey } from './keys.js'

const p = 2n ** 255n - 19n

function encoded(y: bigint, signOfX = 0n): Buffer {
  const hex = (y | (signOfX << 255n)).toString(16).padStart(64, '0')
  return Buffer.from(hex, 'hex').reverse()
}

describe('points of low order', () => {
  // The list of libsodium's blocklist and RFC 7748's neighbours, canonical forms.
  it.each([
    '0000000000000000000000000000000000000000000000000000000000000000',
    '0000000000000000000000000000000000000000000000000000000000000080',
    '0100000000000000000000000000000000000000000000000000000000000000',
    'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
    '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
  ])('%s', (hex) => {
    expect(Point.fromHex(hex).isSmallOrder()).toBe(true)
    expect(flawOfPublicKey(Buffer.from(hex, 'hex'))).toBe('is a point of low order')
  })
})

describe('non-canonical forms', () => {
  it.each([
    ['y = p', encoded(p)],
    ['y = p + 1', encoded(p + 1n)],
    ['y = 2^255 − 1', encoded(2n ** 255n - 1n)],
    ['y = p + 3, with a sign', encoded(p + 3n, 1n)],
    ['y = 1 with a sign of x = 0', encoded(1n, 1n)],
    ['y = −1 with a sign of x = 0', encoded(p - 1n, 1n)],
  ])('%s', (_name, raw) => {
    expect(flawOfPublicKey(raw)).toBe('is not in canonical form')
  })
})

it('agrees with another implementation on what is a point', () => {
  const random = seededRandom(5)
  let points = 0
  for (let i = 0; i < 60; i++) {
    const raw = Buffer.from(Array.from({ length: 32 }, () => random() * 256))
    let isPoint = true
    try {
      Point.fromBytes(raw)
    } catch {
      isPoint = false
    }
    if (isPoint) points++
    expect(flawOfPublicKey(raw), raw.toString('hex')).toBe(
      isPoint ? undefined : 'is not a point of the curve',
    )
  }
  expect(points).toBeGreaterThan(10)
  expect(points).toBeLessThan(50)
})

it('takes the public keys of real private keys', () => {
  for (let i = 0; i < 20; i++) {
    const { publicKey } = ed25519PrivateKey(Buffer.from(utils.randomSecretKey()).toString('base64'))
    expect(flawOfPublicKey(Buffer.from(publicKey.base64, 'base64'))).toBeUndefined()
  }
})
