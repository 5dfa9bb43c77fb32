import { tmpdir } from 'node:os'
import { createLogger } from '@fractal-lba/runtime'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Room } from './append-guard.js'

async function roomWith(logRefusal: () => string | undefined, diskLowBytes = 0): Promise<Room> {
  const room = await Room.watch(
    { directory: tmpdir(), diskLowBytes, logRefusal },
    createLogger('wal', 'fatal'),
  )
  onTestFinished(() => room.close())
  return room
}

describe('the room for submissions', () => {
  it('ends at the moment at which the log says so, and is there again when it does', async () => {
    let logRefusal: string | undefined
    const room = await roomWith(() => logRefusal)
    expect(() => room.demand()).not.toThrow()
    logRefusal = 'there is no next segment'
    expect(() => room.demand()).toThrow('there is no next segment')
    expect(room.refusal).toBe('there is no next segment')
    logRefusal = undefined
    expect(() => room.demand()).not.toThrow()
    expect(room.refusal).toBeUndefined()
  })

  it('is none on a disk with less than WAL_DISK_LOW free, whatever the log says', async () => {
    const room = await roomWith(() => undefined, 2 ** 60)
    expect(room.isLow).toBe(true)
    expect(() => room.demand()).toThrow(/less than WAL_DISK_LOW=\d+; make room or compact the log/)
  })
})
