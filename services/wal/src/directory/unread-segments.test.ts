import { expect, it } from 'vitest'
import { UnreadSegments } from './unread-segments.js'

const DAMAGE = { type: 'damage_read', segment: '1.seg', offset: 1, afterSequence: 1, reason: 'r' } as const

/** A log of so many steps; what happens at each is the test's. */
function logOf(steps: number, at: (step: number) => void) {
  let read = 0
  return {
    get read_() {
      return read
    },
    async *read() {
      for (; read < steps; read += 1) {
        at(read)
        yield []
      }
    },
  }
}

it('are read once after a start that took checkpoints, else not', async () => {
  const unread = new UnreadSegments()
  const log = logOf(3, () => undefined)
  await unread.read(log, new AbortController().signal, 0)
  expect(log.read_).toBe(0)
  unread.note({ type: 'checkpoint_taken', segment: '1.seg' })
  await unread.read(log, new AbortController().signal, 0)
  expect(log.read_).toBe(3)
})

it.each([1, 2])('damage ends the reading with the name of its segment: at step %i of three', async (step) => {
  const unread = new UnreadSegments()
  unread.note({ type: 'checkpoint_taken', segment: '1.seg' })
  const log = logOf(3, (now) => now === step && unread.note(DAMAGE))
  await expect(unread.read(log, new AbortController().signal, 0)).rejects.toMatchObject({
    name: 'DamagedSegment',
    message: expect.stringContaining('1.seg'),
  })
})

it('a close ends it early, without a word', async () => {
  const unread = new UnreadSegments()
  unread.note({ type: 'checkpoint_taken', segment: '1.seg' })
  const closing = new AbortController()
  const log = logOf(1_000, (now) => now === 1 && closing.abort())
  await unread.read(log, closing.signal, 1)
  expect(log.read_).toBeLessThan(3)
})
