import { describe, expect, it } from 'vitest'
import { encoderOf, record } from './index.js'

describe('an encoder for many messages', () => {
  const encode = encoderOf(record.Position)
  const position = { logId: 'ab'.repeat(16), sequence: 7 }

  it('gives each the bytes that it has by itself, and its own', () => {
    const other = { logId: 'x'.repeat(1_000), sequence: 2 ** 40 }
    const bytes = [position, other, position].map(encode)
    expect(bytes).toEqual(
      [position, other, position].map((one) => Buffer.from(record.Position.encode(one).finish())),
    )
    bytes[0]?.fill(0)
    expect(record.Position.decode(bytes[2] ?? Buffer.alloc(0))).toEqual(position)
  })

  it('is not upset by a message that cannot be encoded', () => {
    expect(() => encode({ ...position, sequence: -1 })).toThrow()
    expect(record.Position.decode(encode(position))).toEqual(position)
  })
})
