import { createHash, createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { defaultParameters, hasMatchingId, hmacKey, parseRecord } from '@fractal-lba/pcs'
import { record } from '@fractal-lba/proto'
import { createJudge } from '@fractal-lba/signal-scoring-service'
import { verify } from '@fractal-lba/verifier-service'
import { describe, expect, it, vi } from 'vitest'

// What k6 sends, made by Node; `k6 run load/k6/vectors.js` is the same over k6 itself.

const KEY = 'a key for tests'
vi.mock('k6/crypto', () => ({
  default: {
    sha256(text: string, encoding: 'hex' | 'binary') {
      const digest = createHash('sha256').update(text).digest()
      return encoding === 'hex' ? digest.toString('hex') : digest
    },
    hmac: (_algorithm: string, key: string, bytes: Buffer) =>
      createHmac('sha256', key).update(bytes).digest('base64'),
  },
}))
vi.mock('../k6/environment.js', () => ({ key: KEY }))
const { pcsId, sign, signingText } = await import('../k6/canonical.js')
const { remember, submission } = await import('../k6/mix.js')

interface SigningVectors {
  readonly hmac_key_utf8: string
  readonly cases: readonly { name: string; pcs_json: string; payload: string; hmac_b64: string }[]
}
const vectors = JSON.parse(
  readFileSync(new URL('../../vectors/signing.json', import.meta.url), 'utf8'),
) as SigningVectors

const keys = { algorithm: 'hmac', keys: [hmacKey(KEY)] } as const
const judge = createJudge(defaultParameters)
const verified = (body: string) => verify(Buffer.from(body), record.Encoding.ENCODING_JSON, keys)

describe('what k6 signs', () => {
  it.each(vectors.cases)('is the vector: $name', ({ pcs_json, payload, hmac_b64 }) => {
    const fields = JSON.parse(pcs_json)
    expect(signingText(fields)).toBe(payload)
    expect(sign(fields, vectors.hmac_key_utf8)).toBe(hmac_b64)
  })
})

describe('a thousand submissions of k6', () => {
  const made = Array.from({ length: 1_000 }, (_, number) => {
    const { kind, body } = submission('run', number)
    if (kind === 'new') remember(body)
    return { kind, body }
  })
  const bodies = (kind: string) => made.filter((one) => one.kind === kind).map(({ body }) => body)

  it('are of the stated kinds', () => {
    const counts = ['new', 'duplicate', 'bad_signature', 'malformed'].map((kind) => bodies(kind).length)
    // The first one that should have been a duplicate had nothing to be one of.
    expect(counts).toEqual([901, 59, 20, 20])
  })

  it('have new records that are accepted, each with an id of its own', async () => {
    for (const body of bodies('new')) {
      expect(hasMatchingId(parseRecord(Buffer.from(body)))).toBe(true)
      expect(judge(await verified(body)), body).toMatchObject({ accepted: true, escalated: false })
    }
    expect(new Set(bodies('new').map((body) => JSON.parse(body).pcs_id)).size).toBe(bodies('new').length)
    for (const body of bodies('duplicate')) expect(bodies('new')).toContain(body)
  })

  it('have bad signatures that are refused as such, and malformed ones that are no record', async () => {
    for (const body of bodies('bad_signature')) await expect(verified(body)).rejects.toThrow(/signature/)
    for (const body of bodies('malformed')) expect(() => parseRecord(Buffer.from(body))).toThrow()
  })

  it('have other ids in each run', () => {
    const [one, other] = ['one', 'other'].map((run) => JSON.parse(submission(run, 7).body).pcs_id)
    expect(one).not.toBe(other)
    expect(pcsId('00', 1, 's')).toMatch(/^[0-9a-f]{64}$/)
  })
})
