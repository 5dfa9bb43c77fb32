import { defaultParameters, hasMatchingId, hmacKey, parseRecord, verifySignature } from '@fractal-lba/pcs'
import { record } from '@fractal-lba/proto'
import { createJudge } from '@fractal-lba/signal-scoring-service'
import { verify } from '@fractal-lba/verifier-service'
import { describe, expect, it } from 'vitest'
import { type MadeRecord, type RecordOptions, recordMaker, submitRequest } from './records.js'

const key = hmacKey('a key for tests')
const keys = { algorithm: 'hmac', keys: [key] } as const

function make(count: number, options: Partial<RecordOptions> = {}): MadeRecord[] {
  const next = recordMaker({ seed: 7, key, ...options })
  return Array.from({ length: count }, next)
}

function share(records: readonly MadeRecord[], kind: MadeRecord['kind']): number {
  return records.filter((record) => record.kind === kind).length / records.length
}

describe('recordMaker', () => {
  it('makes records that parse, verify, bear their own id and are accepted', async () => {
    const judge = createJudge(defaultParameters)
    const regimes = new Map<string, number>()
    for (const { body } of make(2_000)) {
      const bytes = Buffer.from(body)
      const pcs = parseRecord(bytes)
      expect(verifySignature(pcs, keys)).toBe(key.id)
      expect(hasMatchingId(pcs)).toBe(true)
      const outcome = judge(await verify(bytes, record.Encoding.ENCODING_JSON, keys))
      expect(outcome, body).toMatchObject({ accepted: true, escalated: false })
      regimes.set(pcs.regime, (regimes.get(pcs.regime) ?? 0) + 1)
    }
    for (const regime of ['sticky', 'mixed', 'non_sticky']) expect(regimes.get(regime)).toBeGreaterThan(100)
  })

  it('gives each its own id, and about the size of a real one', () => {
    const records = make(5_000)
    const ids = new Set(records.map(({ body }) => parseRecord(Buffer.from(body)).pcs_id))
    expect(ids.size).toBe(5_000)
    for (const { body, kind } of records) {
      expect(kind).toBe('new')
      expect(body.length).toBeGreaterThan(650)
      expect(body.length).toBeLessThan(900)
    }
  })

  it('is decided by its seed', () => {
    expect(make(100)).toEqual(make(100))
    const claims = (seed: number) =>
      make(100, { seed }).map(({ body }) => parseRecord(Buffer.from(body)).D_hat)
    expect(new Set([...claims(7), ...claims(8)]).size).toBeGreaterThan(190)
    const ids = (seed: number) => make(100, { seed }).map(({ body }) => parseRecord(Buffer.from(body)).pcs_id)
    expect(new Set([...ids(7), ...ids(8)]).size).toBe(200)
  })

  it('copies earlier records byte for byte when asked', () => {
    const records = make(4_000, { duplicateShare: 0.3 })
    expect(share(records, 'duplicate')).toBeGreaterThan(0.25)
    expect(share(records, 'duplicate')).toBeLessThan(0.35)
    const seen = new Set<string>()
    for (const { body, kind } of records) {
      expect(seen.has(body)).toBe(kind === 'duplicate')
      seen.add(body)
    }
  })

  it('spoils signatures when asked, and nothing else', () => {
    const records = make(4_000, { badSignatureShare: 0.2, duplicateShare: 0.1 })
    expect(share(records, 'bad_signature')).toBeGreaterThan(0.16)
    expect(share(records, 'bad_signature')).toBeLessThan(0.24)
    for (const { body, kind } of records) {
      const pcs = parseRecord(Buffer.from(body))
      expect(verifySignature(pcs, keys) === undefined).toBe(kind === 'bad_signature')
    }
  })
})

describe('submitRequest', () => {
  it('is a complete request whose length counts bytes, not characters', () => {
    const text = submitRequest('{"a":"é"}').toString()
    expect(text).toContain('\r\nContent-Length: 10\r\n')
    expect(text.startsWith('POST /v1/pcs/submit HTTP/1.1\r\n')).toBe(true)
    expect(text.endsWith('\r\n\r\n{"a":"é"}')).toBe(true)
  })
})
