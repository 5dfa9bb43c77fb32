import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { signingVectors } from '../testing/vectors.js'
import { ed25519PrivateKey, ed25519PublicKey, hmacKey, UnusableKey } from './keys.js'

const { ed25519_private_b64: seed, ed25519_public_b64: point } = signingVectors

describe('ids', () => {
  it('are stable', () => {
    expect(hmacKey('testsecret').id).toBe('hmac:9512e2272ef6')
    expect(ed25519PublicKey(point).id).toBe('ed25519:68960df2aeb8')
    expect(ed25519PrivateKey(seed).id).toBe(ed25519PublicKey(point).id)
  })

  it('differ between keys', () => {
    expect(hmacKey('testsecret ').id).not.toBe(hmacKey('testsecret').id)
    expect(ed25519PrivateKey(Buffer.alloc(32).toString('base64')).id).not.toBe(ed25519PrivateKey(seed).id)
  })
})

it('is never printed', () => {
  const printed = (key: object) => inspect(key, { showHidden: true, depth: 9 }) + JSON.stringify(key)
  expect(printed(hmacKey('testsecret'))).not.toMatch(/testsecret|74 65 73 74|dGVzdHNlY3JldA/)
  expect(printed(ed25519PrivateKey(seed))).not.toContain(seed.slice(0, 8))
})

it('takes the UTF-8 bytes of an HMAC key, and never decodes it', () => {
  const digest = Buffer.alloc(32)
  expect(hmacKey('dGVzdHNlY3JldA==').mac(digest)).not.toEqual(hmacKey('testsecret').mac(digest))
  expect(hmacKey('ключ').id).not.toBe(hmacKey('????').id)
})

describe('what is refused', () => {
  it('an empty HMAC key', () => {
    expect(() => hmacKey('')).toThrow(new UnusableKey('The HMAC key is empty.'))
  })

  const notRaw = 'is not the base64 of 32 raw bytes, with padding.'
  it.each([
    ['nothing', ''],
    ['no padding', point.slice(0, -1)],
    ['white space', `${point}\n`],
    ['the URL alphabet', Buffer.alloc(32, 0xff).toString('base64url')],
    ['bits after the end', `${Buffer.alloc(32).toString('base64').slice(0, -2)}B=`],
    ['31 bytes', Buffer.alloc(31).toString('base64')],
    ['33 bytes', Buffer.alloc(33).toString('base64')],
    ['seed and public key together', Buffer.alloc(64).toString('base64')],
    ['hexadecimal', '0'.repeat(64)],
    ['PEM', '-----BEGIN PUBLIC KEY-----'],
  ])('an Ed25519 key: %s', (_name, base64) => {
    expect(() => ed25519PublicKey(base64)).toThrow(new UnusableKey(`The Ed25519 public key ${notRaw}`))
    expect(() => ed25519PrivateKey(base64)).toThrow(new UnusableKey(`The Ed25519 private key ${notRaw}`))
  })

  it('a public key with a flaw', () => {
    expect(() => ed25519PublicKey(Buffer.alloc(32).toString('base64'))).toThrow(
      new UnusableKey('The Ed25519 public key is a point of low order.'),
    )
  })
})
