import { createHmac } from 'node:crypto'
import { describe, expect, it, vi } from 'vitest'
import { recordBytes } from '../testing/record.js'
import { fieldsOf, signingVectors, submissionVectors } from '../testing/vectors.js'
import { type Ed25519PublicKey, ed25519PrivateKey, ed25519PublicKey, hmacKey } from './keys.js'
import type { SignedFields } from './record.js'
import { digest, type KeyRing, sign, verifySignature, verifySignatureBy } from './signing.js'
import { parseRecord } from './validate.js'

const { hmac_key_utf8, ed25519_private_b64, ed25519_public_b64 } = signingVectors
const secret = hmacKey(hmac_key_utf8)
const privateKey = ed25519PrivateKey(ed25519_private_b64)
const publicKey = ed25519PublicKey(ed25519_public_b64)
const otherSecret = hmacKey('another secret')
const otherPrivate = ed25519PrivateKey(Buffer.alloc(32, 1).toString('base64'))

const hmacRing: KeyRing = { algorithm: 'hmac', keys: [otherSecret, secret] }
const ed25519Ring: KeyRing = { algorithm: 'ed25519', keys: [otherPrivate.publicKey, publicKey] }
const pcs = parseRecord(recordBytes())

describe.each(signingVectors.cases)('vector: $name', ({ pcs_json, sha256_hex, hmac_b64, ed25519_b64 }) => {
  const fields = fieldsOf(pcs_json)

  it('has the digest and the signatures', () => {
    expect(digest(fields).toString('hex')).toBe(sha256_hex)
    expect(sign(fields, secret)).toBe(hmac_b64)
    expect(sign(fields, privateKey)).toBe(ed25519_b64)
  })

  it('verifies under its keys alone', () => {
    expect(verifySignature({ ...fields, sig: hmac_b64 }, hmacRing)).toBe(secret.id)
    expect(verifySignature({ ...fields, sig: ed25519_b64 }, ed25519Ring)).toBe(publicKey.id)
    expect(
      verifySignature({ ...fields, sig: hmac_b64 }, { algorithm: 'hmac', keys: [otherSecret] }),
    ).toBeUndefined()
    expect(verifySignature({ ...fields, sig: ed25519_b64 }, hmacRing)).toBeUndefined()
    expect(verifySignature({ ...fields, sig: hmac_b64 }, ed25519Ring)).toBeUndefined()
  })
})

it.each(submissionVectors.submissions)('verifies the submission: $name', (submission) => {
  const record = parseRecord(Buffer.from(JSON.stringify(submission.pcs)))
  expect(verifySignature(record, hmacRing)).toBe(secret.id)
})

it('is the HMAC of the digest, not of the text', () => {
  expect(sign(pcs, secret)).toBe(createHmac('sha256', hmac_key_utf8).update(digest(pcs)).digest('base64'))
})

describe('a record with one of the eight fields changed', () => {
  const changes: Partial<SignedFields>[] = [
    { pcs_id: '0'.repeat(64) },
    { merkle_root: 'ab' },
    { epoch: 2 },
    { shard_id: 'shard-b' },
    { D_hat: 0.86673347 },
    { coh_star: 0.730000001 },
    { r: 0.500000001 },
    { budget: 0.396000001 },
  ]
  it.each(changes)('%o does not verify', (change) => {
    expect(verifySignature({ ...pcs, ...change, sig: sign(pcs, secret) }, hmacRing)).toBeUndefined()
    expect(verifySignature({ ...pcs, ...change, sig: sign(pcs, privateKey) }, ed25519Ring)).toBeUndefined()
  })
})

describe.each([
  ['hmac', hmacRing, sign(pcs, secret), 32],
  ['ed25519', ed25519Ring, sign(pcs, privateKey), 64],
])('%s: a signature that is', (_algorithm, ring, good, length) => {
  const bytes = Buffer.from(good, 'base64')
  const flipped = (index: number) => {
    const copy = Buffer.from(bytes)
    copy[index] = (copy[index] ?? 0) ^ 1
    return copy.toString('base64')
  }
  const unpadded = good.replace(/=+$/, '')
  const last = unpadded.charCodeAt(unpadded.length - 1)
  const cases: [string, string | undefined][] = [
    ['missing', undefined],
    ['empty', ''],
    ['wrong in its first byte', flipped(0)],
    ['wrong in its last byte', flipped(length - 1)],
    ['a byte short', bytes.subarray(1).toString('base64')],
    ['a byte long', Buffer.concat([bytes, Buffer.alloc(1)]).toString('base64')],
    ['twice there', Buffer.concat([bytes, bytes]).toString('base64')],
    ['without padding', unpadded],
    ['with too much padding', `${good}=`],
    ['followed by a line feed', `${good}\n`],
    ['preceded by a space', ` ${good}`],
    ['interrupted', `${good.slice(0, 8)}\n${good.slice(8)}`],
    [
      'with bits after its end',
      `${unpadded.slice(0, -1)}${String.fromCharCode(last + 1)}${good.slice(unpadded.length)}`,
    ],
    ['of the URL alphabet', Buffer.alloc(length, 0xff).toString('base64url')],
    ['hexadecimal', bytes.toString('hex')],
    ['all zeros', Buffer.alloc(length).toString('base64')],
    ['very long', 'A'.repeat(60_000)],
  ]
  it('good verifies', () => {
    expect(verifySignature({ ...pcs, sig: good }, ring)).toBeDefined()
  })
  it.each(cases)('%s does not', (_name, sig) => {
    expect(verifySignature({ ...pcs, sig }, ring)).toBeUndefined()
  })
})

describe('rings', () => {
  it('of none look at nothing', () => {
    expect(verifySignature({ ...pcs, sig: undefined }, { algorithm: 'none' })).toBe('none')
  })

  it('without keys verify nothing', () => {
    expect(
      verifySignature({ ...pcs, sig: sign(pcs, secret) }, { algorithm: 'hmac', keys: [] }),
    ).toBeUndefined()
    expect(
      verifySignature({ ...pcs, sig: sign(pcs, privateKey) }, { algorithm: 'ed25519', keys: [] }),
    ).toBeUndefined()
  })

  it.each([0, 1, 2])('find the key in place %i', (place) => {
    const keys = [hmacKey('a'), hmacKey('b')]
    keys.splice(place, 0, secret)
    expect(verifySignature({ ...pcs, sig: sign(pcs, secret) }, { algorithm: 'hmac', keys })).toBe(secret.id)
  })

  it.each([
    [999, undefined],
    [1000, 'id'],
    [2000, 'id'],
    [2001, undefined],
  ])('hold a window from 1000 to 2000 against %i', (nowMs, found) => {
    const window = { notBeforeMs: 1000, notAfterMs: 2000 }
    const hmac = hmacKey(hmac_key_utf8, window)
    const ed25519 = ed25519PublicKey(ed25519_public_b64, window)
    const hmacFound = verifySignature(
      { ...pcs, sig: sign(pcs, hmac) },
      { algorithm: 'hmac', keys: [hmac] },
      nowMs,
    )
    const edFound = verifySignature(
      { ...pcs, sig: sign(pcs, privateKey) },
      { algorithm: 'ed25519', keys: [ed25519] },
      nowMs,
    )
    expect(hmacFound).toBe(found && hmac.id)
    expect(edFound).toBe(found && ed25519.id)
  })
})

describe('checked by somebody else', () => {
  const signed = { ...pcs, sig: sign(pcs, privateKey) }

  it('finds what is found here', async () => {
    const check = vi.fn((key: Ed25519PublicKey, digest: Buffer, signature: Buffer) =>
      key.verifyAside(digest, signature),
    )
    const both: KeyRing = { algorithm: 'both', keys: [otherPrivate.publicKey, secret, publicKey, publicKey] }
    expect(await verifySignatureBy(check, signed, both)).toBe(publicKey.id)
    expect(check).toHaveBeenCalledTimes(2)
    expect(await verifySignatureBy(check, { ...signed, epoch: signed.epoch + 1 }, both)).toBeUndefined()
    expect(await verifySignatureBy(check, { ...pcs, sig: sign(pcs, secret) }, both)).toBe(secret.id)
    expect(await verifySignatureBy(check, { ...pcs, sig: undefined }, both)).toBeUndefined()
    expect(await verifySignatureBy(check, pcs, { algorithm: 'none' })).toBe('none')
    expect(check).toHaveBeenCalledTimes(5)
  })

  it('is not asked about keys that do not count', async () => {
    const { base64 } = publicKey
    const keys = [
      ed25519PublicKey(base64, { notAfterMs: 1 }),
      ed25519PublicKey(base64, { shards: ['other'] }),
    ]
    const check = vi.fn(async () => true)
    expect(await verifySignatureBy(check, signed, { algorithm: 'ed25519', keys })).toBeUndefined()
    expect(check).not.toHaveBeenCalled()
  })
})

describe('a ring of both algorithms', () => {
  const ring: KeyRing = { algorithm: 'both', keys: [otherSecret, otherPrivate.publicKey, secret, publicKey] }

  it('finds the key of each', () => {
    expect(verifySignature({ ...pcs, sig: sign(pcs, secret) }, ring)).toBe(secret.id)
    expect(verifySignature({ ...pcs, sig: sign(pcs, privateKey) }, ring)).toBe(publicKey.id)
  })

  it('takes a key for the shards that it names, and for no other', () => {
    const found = (shards: readonly string[]) => {
      const key = hmacKey(hmac_key_utf8, { shards })
      return verifySignature({ ...pcs, sig: sign(pcs, key) }, { algorithm: 'both', keys: [key] })
    }
    const { shard_id: shardId } = pcs
    for (const shards of [[shardId], ['other', `${shardId.slice(0, 2)}*`], ['*']])
      expect(found(shards)).toBeDefined()
    for (const shards of [[], ['other'], [`${shardId}x`], [`x${shardId}*`], [shardId.slice(0, 2)]]) {
      expect(found(shards)).toBeUndefined()
    }
  })
})
