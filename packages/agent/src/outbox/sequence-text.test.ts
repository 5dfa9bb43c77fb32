import { parseRecord } from '@fractal-lba/pcs'
import { describe, expect, it } from 'vitest'
import { smallRecordBytes } from '../testing/small-records.js'
import { withOutboxSeq } from './sequence-text.js'

const splice = (text: string, seq = 42): string => withOutboxSeq(Buffer.from(text), seq).toString()

describe('withOutboxSeq', () => {
  it('sets the number in a real record, and nothing else', () => {
    const before = smallRecordBytes(3)
    const after = withOutboxSeq(before, 123_456)
    expect(parseRecord(after)).toEqual({
      ...parseRecord(before),
      ft: { ...parseRecord(before).ft, outbox_seq: 123_456 },
    })
    expect(after.toString()).toBe(before.toString().replace('"outbox_seq":0', '"outbox_seq":123456'))
  })

  it.each([
    [
      'white space',
      '{ "ft" : {\n "outbox_seq" :\t7 , "x": 1 } }\n',
      '{ "ft" : {\n "outbox_seq" :\t42 , "x": 1 } }\n',
    ],
    ['escaped keys', '{"\\u0066t":{"outbox\\u005fseq":7}}', '{"\\u0066t":{"outbox\\u005fseq":42}}'],
    ['a decoy outside', '{"outbox_seq":1,"ft":{"outbox_seq":7}}', '{"outbox_seq":1,"ft":{"outbox_seq":42}}'],
    [
      'a decoy in another object',
      '{"a":{"outbox_seq":1},"ft":{"outbox_seq":7}}',
      '{"a":{"outbox_seq":1},"ft":{"outbox_seq":42}}',
    ],
    [
      'a decoy deeper',
      '{"ft":{"x":{"outbox_seq":1},"outbox_seq":7}}',
      '{"ft":{"x":{"outbox_seq":1},"outbox_seq":42}}',
    ],
    [
      'a decoy in an array',
      '{"ft":{"x":[{"outbox_seq":1}],"outbox_seq":7}}',
      '{"ft":{"x":[{"outbox_seq":1}],"outbox_seq":42}}',
    ],
    [
      'decoys in texts',
      '{"a":"\\"ft\\":{\\"outbox_seq\\":1","ft":{"b":"}{","outbox_seq":7}}',
      '{"a":"\\"ft\\":{\\"outbox_seq\\":1","ft":{"b":"}{","outbox_seq":42}}',
    ],
    [
      'a text as value',
      '{"a":"ft","ft":{"b":"outbox_seq","outbox_seq":-0}}',
      '{"a":"ft","ft":{"b":"outbox_seq","outbox_seq":42}}',
    ],
    ['other letters', '{"ä":"→","ft":{"outbox_seq":7},"ö":"𝄞"}', '{"ä":"→","ft":{"outbox_seq":42},"ö":"𝄞"}'],
  ])('finds it among %s', (_, before, after) => {
    expect(splice(before)).toBe(after)
    expect(JSON.parse(splice(before)).ft.outbox_seq).toBe(42)
  })
})
