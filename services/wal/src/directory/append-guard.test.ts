import { tmpdir } from 'node:os'
import { createLogger } from '@fractal-lba/runtime'
import { describe, expect, it, onTestFinished } from 'vitest'
import { AppendGuard } from './append-guard.js'

async function guardWith(logRefusal: () => string | undefined, diskLowBytes = 0): Promise<AppendGuard> {
  const guard = await AppendGuard.watch(
    { directory: tmpdir(), diskLowBytes, logRefusal },
    createLogger('wal', 'fatal'),
  )
  onTestFinished(() => guard.close())
  return guard
}

describe('the guard of appends', () => {
  it('refuses from the moment at which the log does, and no longer', async () => {
    let logRefusal: string | undefined
    const guard = await guardWith(() => logRefusal)
    expect(guard.refusal).toBeUndefined()
    logRefusal = 'there is no next segment'
    expect(guard.refusal).toBe('there is no next segment')
    logRefusal = undefined
    expect(guard.refusal).toBeUndefined()
  })

  it('refuses on a disk with less than WAL_DISK_LOW free, whatever the log says', async () => {
    const guard = await guardWith(() => undefined, 2 ** 60)
    expect(guard.isLow).toBe(true)
    expect(guard.refusal).toMatch(/less than WAL_DISK_LOW=\d+; make room or compact the log/)
  })
})
