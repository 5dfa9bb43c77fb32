import { record, scoring, verifier, wal } from '@fractal-lba/proto'
import { describe, expect, it } from 'vitest'
import { AppError } from '../errors.js'
import { guarded, hasMoreFields } from './message-guard.js'

const { VerifyBatchesRequest, VerifierServiceService } = verifier
const decode = guarded(VerifierServiceService.verifyBatches)

function batchOf(count: number, bodyBytes: number): Buffer {
  const item = { body: Buffer.alloc(bodyBytes, 0xff), encoding: record.Encoding.ENCODING_JSON }
  const contexts = Array.from({ length: count }, () => ({ traceparent: 'a', tracestate: '' }))
  const batch = { batch: 7, items: Array.from({ length: count }, () => item), contexts }
  return Buffer.from(VerifyBatchesRequest.encode(batch).finish())
}

describe('the guard of messages', () => {
  it.each([0, 1, 127, 128, 20_000])('counts fields whatever their length: %d bytes', (bodyBytes) => {
    const fields = 1 + 2 * 20
    const bytes = batchOf(20, bodyBytes)
    expect([hasMoreFields(bytes, fields), hasMoreFields(bytes, fields - 1)]).toEqual([false, true])
  })

  it('counts fields of every type', () => {
    const varint = [0x08, 0x80, 0x80, 0x01]
    const fixed64 = [0x11, 1, 2, 3, 4, 5, 6, 7, 8]
    const fixed32 = [0x1d, 1, 2, 3, 4]
    const farNumber = [0xfa, 0xff, 0x03, 0x01, 0xff]
    const bytes = Buffer.from([...varint, ...fixed64, ...fixed32, ...farNumber])
    expect([hasMoreFields(bytes, 4), hasMoreFields(bytes, 3)]).toEqual([false, true])
  })

  it('lets the largest batch through, and no message that is none', () => {
    expect(decode(batchOf(256, 100))).toMatchObject({ batch: 7 })
    expect(decode(batchOf(300, 100))).toMatchObject({ code: 'too_large' })
    for (const bytes of [[0xff], [0x12, 0xff, 0xff, 0xff, 0xff, 0x7f], [0x12, 5, 1]]) {
      expect(decode(Buffer.from(bytes))).toBeInstanceOf(AppError)
    }
  })

  it('does not decode a batch whose items have millions of parts', () => {
    const guard = guarded(wal.WalServiceService.markDoneBatches)
    const marks = Buffer.alloc(2 ** 23 - 64)
    for (let at = 0; at < marks.length; at += 2) marks[at] = MARK_TAG
    const batch = Buffer.concat([Buffer.of(0x12), varint(marks.length), marks])
    expect(guard(batch)).toMatchObject({ code: 'too_large', message: /520 fields, and its items 2560/ })
  })

  it('does not decode a request whose parts have millions of parts', () => {
    const guard = guarded(scoring.ScoringServiceService.judge)
    const judged = (scales: number): Buffer => {
      const fields = { ...VERIFIED, scales: new Array(scales).fill(2), counts: new Array(scales).fill(1) }
      return Buffer.from(scoring.JudgeRequest.encode({ record: fields }).finish())
    }
    expect(guard(judged(64))).toMatchObject({ record: { pcsId: 'a' } })
    expect(guard(judged(500_000))).toMatchObject({
      code: 'too_large',
      message: /at most 520 fields and 1114112 bytes/,
    })
  })
})

const MARK_TAG = 0x12
const VERIFIED: record.VerifiedRecord = {
  pcsId: 'a',
  fingerprint: Buffer.alloc(33),
  keyId: 'key',
  idMatches: true,
  ...{ scales: [], counts: [], dHat: 1, cohStar: 1, r: 1, budget: 1 },
  regime: 'mixed',
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  for (let rest = value; ; rest >>>= 7) {
    bytes.push(rest > 0x7f ? (rest & 0x7f) | 0x80 : rest)
    if (rest <= 0x7f) return Buffer.from(bytes)
  }
}
