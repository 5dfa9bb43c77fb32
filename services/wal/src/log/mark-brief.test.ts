import { wal } from '@fractal-lba/proto'
import { describe, expect, it } from 'vitest'
import { type MarkBytes, markBrief } from './mark-brief.js'

const nothing = { verdict: undefined, indexed: false, generation: '', replayed: false }

function encoded(mark: Partial<wal.Mark>): Buffer {
  return Buffer.from(wal.Mark.encode({ sequence: 0, status: 0, ...nothing, ...mark }).finish())
}

const bytesOf = (body: Buffer): MarkBytes => ({
  bodyLength: body.length,
  bodyByte: (index) => body[index],
})

describe('markBrief', () => {
  it.each([
    { sequence: 1, status: 200 },
    { sequence: 127, status: 400 },
    { sequence: 128, status: 401, replayed: true },
    { sequence: 2 ** 31, status: 409, generation: 'g'.repeat(64), indexed: true },
    { sequence: 2 ** 48, status: 202 },
    { sequence: 0, status: 0 },
  ])('reads $sequence and $status as the decoder does', (mark) => {
    const body = encoded(mark)
    const { sequence, status } = wal.Mark.decode(body)
    expect(markBrief(bytesOf(body))).toEqual({ sequence, status })
  })

  it('passes over what it does not know, in any order', () => {
    const unknown = Buffer.from([
      0x79, 1, 2, 3, 4, 5, 6, 7, 8, 0x7d, 1, 2, 3, 4, 0x70, 0x80, 0x01, 0x7a, 2, 0x08, 0x09,
    ])
    const body = Buffer.concat([unknown, encoded({ status: 200 }), unknown, encoded({ sequence: 300 })])
    const { sequence, status } = wal.Mark.decode(body)
    expect(markBrief(bytesOf(body))).toEqual({ sequence, status })
    expect(sequence).toBe(300)
  })

  it.each([
    ['an end in the middle of a number', Buffer.from([0x08, 0x80])],
    ['a length beyond the end', Buffer.from([0x08, 1, 0x1a, 5, 0])],
    ['a sequence that no number holds exactly', encoded({ sequence: Number.MAX_SAFE_INTEGER })],
    ['a group', Buffer.from([0x0b])],
    ['no number at all', Buffer.alloc(16, 0xff)],
  ])('leaves %s to the decoder', (_case, body) => {
    expect(markBrief(bytesOf(body))).toBeUndefined()
  })
})
