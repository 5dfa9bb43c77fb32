import { describe, expect, it } from 'vitest'
import { bytesOfVerdict, outcomeOfVerdict, type record, sealVerdict, verdictFromBytes } from './index.js'

const outcome: record.Outcome = {
  pcsId: 'a'.repeat(64),
  accepted: false,
  escalated: true,
  reason: 'regime_mismatch',
  message: 'a sentence',
  recomputedDHat: 0,
  recomputedBudget: undefined,
  regime: 'mixed',
  params: 'a8895c936d4d',
}
const parameters = { tolD: 1, tolCoh: 2, tolBudget: 3, tolR: 4, alpha: 5, beta: 6, gamma: 7, base: 8, d0: 9 }
const judged: record.Verdict = {
  outcome,
  fingerprint: Buffer.alloc(33, 7),
  keyId: 'k',
  parameters,
  judgedAtMs: 0,
  origin: undefined,
}
const origin = { logId: 'b'.repeat(32), sequence: 2 ** 40 }

describe('a verdict as bytes', () => {
  it('is sealed by appending: the same bytes as encoded whole', () => {
    const sealed = sealVerdict(bytesOfVerdict(judged), 1_700_000_000_000, origin)
    expect(sealed).toEqual(bytesOfVerdict({ ...judged, judgedAtMs: 1_700_000_000_000, origin }))
  })

  it('gives its outcome without the rest', () => {
    expect(outcomeOfVerdict(sealVerdict(bytesOfVerdict(judged), 1, origin))).toEqual(outcome)
    expect(outcomeOfVerdict(Buffer.alloc(0))).toBeUndefined()
    expect(outcomeOfVerdict(bytesOfVerdict({ ...judged, outcome: undefined }))).toBeUndefined()
  })

  it.each([Buffer.of(0xff), Buffer.of(0x0a, 0x7f), Buffer.of(0x0a, 0x02, 0x0a)])('is none: %s', (bytes) => {
    expect(outcomeOfVerdict(bytes)).toBeUndefined()
    expect(verdictFromBytes(bytes)).toBeUndefined()
  })
})
