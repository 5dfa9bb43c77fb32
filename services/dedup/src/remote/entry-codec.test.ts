import { describe, expect, it } from 'vitest'
import { entryOf, verdictOf } from '../testing/verdicts.js'
import { EntryCodec, expiryOf, isMarked, sameVerdict, withExpiry } from './entry-codec.js'

const EXPIRES_AT_MS = 1_800_000_000_123

describe('the bytes of an entry', () => {
  const codec = new EntryCodec()
  const entry = entryOf(verdictOf('a'), EXPIRES_AT_MS, true)
  const { pcsId } = entry.verdict.outcome

  it('are read by another process once it has the definition', () => {
    const { value, uses } = codec.encode(entry)
    expect(codec.decode(pcsId, value)).toEqual(entry)
    const other = new EntryCodec()
    expect(other.missingDefinition(value)).toEqual(uses.name)
    expect(other.decode(pcsId, value)).toBeUndefined()
    other.learn(uses)
    expect(other.missingDefinition(value)).toBeUndefined()
    expect(other.decode(pcsId, value)).toEqual(entry)
    // The same parts go by the same name, whoever names them.
    expect(new EntryCodec().encode(entry).uses).toEqual(uses)
    expect(other.encode(entry).value).toEqual(value)
  })

  it('are few', () => {
    const plain = { ...entry.verdict.outcome, escalated: false, reason: undefined, message: undefined }
    expect(
      codec.encode({ ...entry, verdict: { ...entry.verdict, outcome: plain } }).value.length,
    ).toBeLessThan(110)
  })

  it('tell expiry and mark by themselves, and compare without them', () => {
    const { value } = codec.encode(entry)
    expect([expiryOf(value), isMarked(value)]).toEqual([EXPIRES_AT_MS, true])
    const renewed = withExpiry(value, EXPIRES_AT_MS + 1, false)
    expect([expiryOf(renewed), isMarked(renewed)]).toEqual([EXPIRES_AT_MS + 1, false])
    expect(codec.decode(pcsId, renewed)).toEqual({ ...entry, expiresAtMs: EXPIRES_AT_MS + 1, marked: false })
    expect(sameVerdict(value, renewed)).toBe(true)
    const other = codec.encode(entryOf(verdictOf('a', { content: 'other' }), EXPIRES_AT_MS, true)).value
    expect(sameVerdict(value, other)).toBe(false)
  })

  it('are not taken for an entry when they are damaged', () => {
    const { value, uses } = codec.encode(entry)
    const newer = Buffer.from(value)
    newer[0] = 0x20
    for (const bytes of [newer, value.subarray(0, 15), Buffer.alloc(0), value.subarray(0, 40)]) {
      expect(codec.decode(pcsId, bytes)).toBeUndefined()
    }
    const other = new EntryCodec()
    other.learn({ name: uses.name, value: Buffer.concat([uses.value, Buffer.from([0])]) })
    expect(other.missingDefinition(value)).toEqual(uses.name)
  })
})
