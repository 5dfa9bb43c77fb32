import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { crc32c } from './crc32c.js'
import { encodeGroup, frameBytes } from './encoder.js'
import {
  decodeSegmentHeader,
  encodeSegmentHeader,
  freeName,
  isLeftover,
  type LogPoint,
  newIdentity,
  parseSegmentName,
  SEGMENT_HEADER_BYTES,
  segmentName,
} from './format.js'

const identity = { logId: Buffer.alloc(16, 0x11), logSecret: Buffer.from('a1a2a3a4a5a6a7', 'hex') }
const before: LogPoint = { sequence: 2 ** 40, group: 2 ** 33 + 5, chain: Buffer.alloc(32, 0x22) }
const header = { ...identity, createdMs: 1_700_000_000_123, before }

describe('the segment header', () => {
  it('is read as it was written', () => {
    expect(decodeSegmentHeader(encodeSegmentHeader(header))).toEqual(header)
  })

  it('is not accepted with any bit flipped', () => {
    const block = encodeSegmentHeader(header)
    const positions = [...Array(100).keys(), 2000, 4091, 4092, 4093, 4094, 4095]
    for (const position of positions) {
      for (let bit = 0; bit < 8; bit++) {
        const flipped = Buffer.from(block)
        flipped.writeUInt8(flipped.readUInt8(position) ^ (1 << bit), position)
        expect(decodeSegmentHeader(flipped), `byte ${position} bit ${bit}`).toBeUndefined()
      }
    }
  })

  it('of a later version says its version', () => {
    const block = encodeSegmentHeader(header)
    block.writeUInt8(2, 8)
    block.writeUInt32LE(crc32c(block.subarray(0, 4092)), 4092)
    expect(decodeSegmentHeader(block)).toEqual({ version: 2 })
  })

  it('is neither zeros nor a part of one', () => {
    expect(decodeSegmentHeader(Buffer.alloc(SEGMENT_HEADER_BYTES))).toBeUndefined()
    expect(decodeSegmentHeader(encodeSegmentHeader(header).subarray(0, 4000))).toBeUndefined()
  })
})

describe('the bytes on the disk', () => {
  // These never change within version 1: logs written by earlier builds must stay readable.
  it('of a header are fixed', () => {
    const block = encodeSegmentHeader(header)
    expect(block.subarray(0, 88).toString('hex')).toBe(
      '464c42412d57414c' +
        '01' +
        'a1a2a3a4a5a6a7' +
        '11'.repeat(16) +
        '0100000000010000' +
        '7b68e5cf8b010000' +
        '22'.repeat(32) +
        '0500000002000000',
    )
    expect(block.subarray(88, 4092).every((byte) => byte === 0)).toBe(true)
    expect(block.readUInt32LE(4092)).toBe(crc32c(block.subarray(0, 4092)))
  })

  it('of a group are fixed', () => {
    const bodies = [Buffer.from('first'), Buffer.alloc(0)]
    const [first, second] = bodies.map((body, index) => ({ type: 7 + index, encoding: 3 + index, body }))
    if (first === undefined || second === undefined) throw new Error('unreachable')
    const target = Buffer.alloc(frameBytes(5) + frameBytes(0))
    const after = encodeGroup(target, [first, second], before, identity.logSecret, 1_700_000_000_123)

    const sha256 = (...parts: Buffer[]) => createHash('sha256').update(Buffer.concat(parts)).digest()
    const firstHeader = Buffer.from(
      '0703000005000000' + '0100000000010000' + '0600000002000000' + '7b68e5cf8b010000',
      'hex',
    )
    const secondHeader = Buffer.from(
      '0804000000000000' + '0200000000010000' + '0600000002000000' + '7b68e5cf8b010000',
      'hex',
    )
    const firstChain = sha256(before.chain, firstHeader, sha256(Buffer.from('first')))
    const secondChain = sha256(firstChain, secondHeader, sha256(Buffer.alloc(0)))
    const frame = (storedLength: string, place: string, hashed: Buffer, chain: Buffer, body: Buffer) => {
      const prefix = Buffer.from(`${storedLength}${place}020000a1a2a3a4a5a6a7`, 'hex')
      const rest = Buffer.concat([prefix, hashed, sha256(body), chain, body])
      const crc = Buffer.alloc(4)
      crc.writeUInt32LE(crc32c(rest))
      return Buffer.concat([crc, rest])
    }
    expect(target.toString('hex')).toBe(
      Buffer.concat([
        frame('05000000', '0000', firstHeader, firstChain, Buffer.from('first')),
        frame('00000000', '0100', secondHeader, secondChain, Buffer.alloc(0)),
      ]).toString('hex'),
    )
    expect(after).toEqual({ sequence: 2 ** 40 + 2, group: 2 ** 33 + 6, chain: secondChain })
  })

  it('of a group are refused in a buffer of another length, which would write what is not of the group', () => {
    const records = [{ type: 1, encoding: 0, body: Buffer.from('body') }]
    const tooLong = Buffer.alloc(frameBytes(4) + 1)
    expect(() => encodeGroup(tooLong, records, before, identity.logSecret, 0)).toThrow('encoded')
  })

  it('are checked with CRC32C (Castagnoli)', () => {
    expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283)
  })
})

describe('a new log', () => {
  it('has a log secret without a zero byte', () => {
    expect(newIdentity((sizeBytes) => Buffer.alloc(sizeBytes)).logSecret.includes(0)).toBe(false)
  })
})

describe('file names', () => {
  it.each([
    [segmentName(1), { firstSequence: 1, quarantined: false }],
    [segmentName(2 ** 40), { firstSequence: 2 ** 40, quarantined: false }],
    [`${segmentName(17)}.quarantined`, { firstSequence: 17, quarantined: true }],
    [`${segmentName(17)}.quarantined-2`, { firstSequence: 17, quarantined: true }],
    [`${segmentName(17)}.torn`, undefined],
    [`${segmentName(17)}.compact`, undefined],
    ['0000000000000000.seg', undefined],
    ['ffffffffffffffff.seg', undefined],
    ['000000000000001.seg', undefined],
    ['000000000000000A.seg', undefined],
    ['next.tmp', undefined],
  ])('%s', (name, parsed) => {
    expect(parseSegmentName(name)).toEqual(parsed)
  })

  it('never takes a name that is taken', () => {
    expect(freeName('a.torn', new Set())).toBe('a.torn')
    expect(freeName('a.torn', new Set(['a.torn', 'a.torn-2']))).toBe('a.torn-3')
  })

  it('knows what a crash leaves behind', () => {
    expect(
      ['next.tmp', `${segmentName(3)}.compact`, segmentName(3), 'lock.0123456789abcdef'].map(isLeftover),
    ).toEqual([true, true, false, false])
  })
})
