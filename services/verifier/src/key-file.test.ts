import { FileError } from '@fractal-lba/credentials'
import { ed25519PrivateKey, hmacKey } from '@fractal-lba/pcs'
import { describe, expect, it } from 'vitest'
import { parseKeyFile } from './key-file.js'

const SECRET = 'a throw-away key of the tests'
const { publicKey } = ed25519PrivateKey(Buffer.alloc(32, 7).toString('base64'))

const refusal = (text: string): string => {
  try {
    parseKeyFile(text, 'keys.yaml')
    return 'taken'
  } catch (error) {
    return error instanceof FileError ? error.message : String(error)
  }
}

describe('the key file', () => {
  it('has keys of both algorithms, in YAML', () => {
    const text = `
# rotated every 90 days
keys:
  - algorithm: hmac
    id: ${hmacKey(SECRET).id}
    key: ${SECRET}
    not_before: 2026-11-01T00:00:00Z
    not_after: "2027-02-01T00:00:00+01:00"
  - algorithm: ed25519
    key: ${publicKey.base64}
    shards: [eu-*, us-1]
`
    expect(parseKeyFile(text, 'keys.yaml').map(({ id, rules }) => [id, rules])).toEqual([
      [
        hmacKey(SECRET).id,
        { notBeforeMs: Date.UTC(2026, 10, 1), notAfterMs: Date.UTC(2027, 0, 31, 23), shards: undefined },
      ],
      [publicKey.id, { notBeforeMs: undefined, notAfterMs: undefined, shards: ['eu-*', 'us-1'] }],
    ])
  })

  it('may be JSON', () => {
    const text = JSON.stringify({ keys: [{ algorithm: 'hmac', key: SECRET }] })
    expect(parseKeyFile(text, 'keys.json').map(({ id }) => id)).toEqual([hmacKey(SECRET).id])
  })

  const key = (fields: object) => JSON.stringify({ keys: [{ algorithm: 'hmac', key: SECRET, ...fields }] })
  it.each([
    ['', 'it is not an object with a list "keys"'],
    ['[1]', 'it is not an object with a list "keys"'],
    [`{keys: [{algorithm: hmac, key: ${SECRET}`, 'it is neither YAML nor JSON'],
    [`keys: &x [{algorithm: hmac, key: ${SECRET}}]\nc: *x`, 'it has an alias'],
    ['keys: []', 'it has no key'],
    ['keys: [5]', 'key 1 is not an object'],
    [key({ algorithm: 'rsa' }), 'key 1 has an "algorithm" that is neither hmac nor ed25519'],
    [key({ key: '' }), 'key 1 cannot be used: The HMAC key is empty.'],
    [key({ key: [SECRET] }), 'key 1 has no text "key"'],
    [key({ [SECRET]: '' }), 'key 1 has a field that is none of id, algorithm'],
    [key({ algorithm: 'ed25519' }), 'key 1 cannot be used: The Ed25519 public key is not the base64'],
    [key({ id: 'hmac:0123456789ab' }), `key 1 is ${hmacKey(SECRET).id}, but its id says something else`],
    [key({ notafter: '2027-01-01T00:00:00Z' }), 'key 1 has a field that is none of id, algorithm'],
    [key({ not_after: '2027-01-01' }), 'key 1 has a "not_after" that is no time'],
    [key({ not_before: '2027-01-01T00:00:00' }), 'key 1 has a "not_before" that is no time'],
    [
      key({ not_before: '2027-01-02T00:00:00Z', not_after: '2027-01-01T00:00:00Z' }),
      'key 1 ends before it begins',
    ],
    [key({ shards: [] }), 'key 1 has "shards" that is no list of texts'],
    [
      JSON.stringify({
        keys: [
          { algorithm: 'hmac', key: SECRET },
          { algorithm: 'hmac', key: SECRET },
        ],
      }),
      'key 2 is there twice',
    ],
  ])('is refused whole, with a sentence and nothing of a key: %s', (text, why) => {
    expect(refusal(text)).toContain(`keys.yaml: ${why}`)
    expect(refusal(text)).not.toContain(SECRET)
  })
})
