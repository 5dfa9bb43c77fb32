import { describe, expect, it } from 'vitest'
import { decodeRecord, encodeRecord, type Head } from './records.js'

const id = 'ab'.repeat(32)
const heads: readonly [Head, number, string][] = [
  [
    { kind: 'entry', seq: 7, pcsId: id, fingerprint: '01cd', atMs: 5 },
    1,
    `{"seq":7,"pcs_id":"${id}","fingerprint":"01cd","at":5}\n`,
  ],
  [
    { kind: 'acknowledged', seq: 7, status: 202, replayed: true, attempts: 3, atMs: 5 },
    2,
    '{"seq":7,"status":202,"replayed":true,"attempts":3,"at":5}\n',
  ],
  [
    { kind: 'dead', seq: 7, status: 400, replayed: false, attempts: 1, atMs: 5 },
    3,
    '{"seq":7,"status":400,"replayed":false,"attempts":1,"at":5}\n',
  ],
  [
    { kind: 'conflict', seq: 7, status: 409, replayed: false, attempts: 1, atMs: 5 },
    4,
    '{"seq":7,"status":409,"replayed":false,"attempts":1,"at":5}\n',
  ],
  [{ kind: 'revived', seq: 7, atMs: 5 }, 5, '{"seq":7,"at":5}\n'],
  [{ kind: 'opening', nextSeq: 9, atMs: 5 }, 6, '{"next_seq":9,"at":5}\n'],
]

describe('records of the outbox', () => {
  it.each(heads)('%j stands on the disk under the number %i', (head, type, line) => {
    const content = Buffer.from('{"a":\n1}\n')
    const record = encodeRecord(head, content)
    expect(record.type).toBe(type)
    expect(record.encoding).toBe(1)
    expect(Buffer.from(record.body).toString()).toBe(`${line}${content.toString()}`)
    expect(decodeRecord({ ...record, body: Buffer.from(record.body) })).toEqual({ head, content })
  })

  it('keep the whole record, but no endless answer', () => {
    const long = Buffer.alloc(100_000, 'x')
    const [entry, answer] = heads
    if (!entry || !answer) throw new Error('there are heads')
    expect(encodeRecord(entry[0], long).body.length).toBe(entry[2].length + 100_000)
    expect(encodeRecord(answer[0], long).body.length).toBe(answer[2].length + 65_536)
  })

  it.each([
    ['a type of another version', 7, 1, '{"seq":7,"at":5}\n'],
    ['an encoding of another version', 5, 2, '{"seq":7,"at":5}\n'],
    ['no line', 5, 1, '{"seq":7,"at":5}'],
    ['no JSON', 5, 1, 'seq 7\n'],
    ['no seq', 5, 1, '{"at":5}\n'],
    ['a seq that is none', 5, 1, '{"seq":-1,"at":5}\n'],
    ['an entry without an id', 1, 1, '{"seq":7,"fingerprint":"01","at":5}\n'],
    ['a settlement without a status', 2, 1, '{"seq":7,"replayed":true,"attempts":3,"at":5}\n'],
  ])('are refused with %s', (_, type, encoding, text) => {
    expect(() => decodeRecord({ type, encoding, body: Buffer.from(text) })).toThrow('cannot read')
  })
})
