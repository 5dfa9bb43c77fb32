import { expect, it } from 'vitest'
import { encodeGroup, frameBytes } from './encoder.js'
import { FRAME, newIdentity, ORIGIN } from './format.js'
import { FrameScan } from './scan.js'
import { feedFrames, fileOver, frameInput } from './testing/frame-fuzz.js'

const { logSecret } = newIdentity()
const RECORDS = ['one', 'two', 'six'].map((text) => ({ type: 1, encoding: 0, body: Buffer.from(text) }))

it('comes to its end where damage is followed by frames that reach beyond it', async () => {
  const size = frameBytes(3)
  const bytes = Buffer.alloc(3 * size)
  encodeGroup(bytes, RECORDS, ORIGIN, logSecret, 0)
  bytes.fill(0xff, FRAME.logSecret, FRAME.prefixEnd)
  bytes.writeUInt32LE(2 * size - FRAME.body, size + FRAME.storedLength)
  const cut = bytes.subarray(0, -10)
  const damages: number[][] = []
  const scan = await new FrameScan(
    fileOver(cut),
    {
      ...{ start: 0, end: cut.length, before: ORIGIN, logSecret, sequenceMax: 100 },
      ...{ checkDigests: true, checkChain: true, chunkBytes: 65_536, reuseBuffers: true },
    },
    {
      frame: () => expect.unreachable('no frame is whole'),
      damage: ({ start, end }) => damages.push([start, end]),
    },
  ).run()
  expect(scan.frames).toBe(0)
  expect(damages).toEqual([[0, cut.length]])
})

it.each([1_005_059, 1_014_373, 1_015_779])('comes to its end with the fuzzed segment %i', async (seed) => {
  expect(await feedFrames(frameInput(seed))).toMatch(/^(mended: )?(some|none) of/)
})
