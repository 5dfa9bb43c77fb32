import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { describe, expect, it } from 'vitest'
import { type Refusal, tooLarge } from './admission.js'
import { BodyReader, type BodySink } from './body.js'

const BYTES_MAX = 64 * 2 ** 10

function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
}

function reading(grown: NonNullable<BodySink['grown']> = () => undefined) {
  const bodies: Buffer[] = []
  const refusals: Refusal[] = []
  const reader = new BodyReader({} as FastifyRequest, {} as FastifyReply, {
    bytesMax: BYTES_MAX,
    timeoutMs: 1_000,
    grown,
    complete: (_request, _reply, body) => bodies.push(body),
    refused: (_request, _reply, refusal) => refusals.push(refusal),
  })
  return { reader, bodies, refusals }
}

describe('a body that is being read', () => {
  it.each([
    ['in one chunk', [5]],
    ['in chunks of all sizes', [1, 1, 300, 7, 20_000, 3]],
    ['as long as it may be', [BYTES_MAX - 1, 1]],
    ['without a byte', []],
  ])('comes out as it came: %s', (_, sizes) => {
    const { reader, bodies } = reading()
    const chunks = sizes.map((size, index) => Buffer.alloc(size, index + 1))
    for (const chunk of chunks) reader.take(chunk)
    reader.end()
    expect(bodies).toEqual([Buffer.concat(chunks)])
  })

  it('is refused with its first byte too many', () => {
    const { reader, bodies, refusals } = reading()
    reader.take(Buffer.alloc(BYTES_MAX))
    expect(refusals).toEqual([])
    reader.take(Buffer.alloc(1))
    reader.end()
    expect([refusals.length, bodies.length]).toEqual([1, 0])
  })

  it('takes no more memory in small chunks', () => {
    const sizes = smallChunks()
    // What other tests of this process leave behind comes and goes; what a reader keeps is there each time.
    const keptBytes = Array.from({ length: 5 }, () => {
      const { reader, bodies } = reading()
      const before = memoryBytes()
      for (const size of sizes) reader.take(Buffer.alloc(size, 7))
      const kept = memoryBytes() - before
      reader.end()
      expect(bodies[0]).toEqual(Buffer.alloc(BYTES_MAX, 7))
      return kept
    })
    expect(Math.min(...keptBytes)).toBeLessThan(8 * BYTES_MAX)
  })

  it('is refused where there is no room for more of it', () => {
    const room = [3, 4]
    const { reader, bodies, refusals } = reading((bytes) =>
      room.shift() === bytes ? undefined : tooLarge(7),
    )
    for (const size of [3, 4, 5, 3]) reader.take(Buffer.alloc(size))
    reader.end()
    expect([room, bodies, refusals]).toEqual([[], [], [tooLarge(7)]])
  })

  it('is refused in chunks of one byte, after some hundred of them', () => {
    const { reader, bodies, refusals } = reading()
    let taken = 0
    for (; refusals.length === 0; taken += 1) reader.take(Buffer.of(7))
    reader.end()
    expect(taken).toBeLessThan(300)
    expect(refusals).toMatchObject([{ detail: expect.stringContaining('too many chunks') }])
    expect(bodies).toEqual([])
  })
})

/** As many as may be: 256 of one byte, then some of 64. */
function smallChunks(): number[] {
  const [first, others] = [256, Math.floor((BYTES_MAX - 256) / 64)]
  return [...Array(first).fill(1), ...Array(others).fill(64)]
}

function memoryBytes(): number {
  collectGarbage()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}
