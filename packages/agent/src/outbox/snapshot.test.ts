import { readdirSync } from 'node:fs'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { smallRecordBytes } from '../testing/small-records.js'
import { TemporaryFolders } from '../testing/temporary-folder.js'
import { Outbox, withSnapshot } from './index.js'

const folders = new TemporaryFolders()
afterEach(() => {
  vi.unstubAllEnvs()
  folders.remove()
})

describe('withSnapshot', () => {
  it('shows an outbox that is open and compacts, and changes nothing in it', async () => {
    const directory = folders.make()
    const copies = folders.make()
    vi.stubEnv('TMPDIR', copies)
    const outbox = await Outbox.open(directory, {
      segmentBytes: 8_192,
      onFatal: (error) => {
        throw error
      },
    })
    for (let number = 1; number <= 12; number++) await outbox.add(smallRecordBytes(number))
    const body = Buffer.from('{"verdict":true}')
    for (const seq of [1, 2]) {
      await outbox.settle(seq, { kind: 'acknowledged', status: 202, replayed: true, attempts: 4, body })
    }
    const names = readdirSync(directory, { recursive: true }).sort()
    const look = () =>
      withSnapshot(directory, async (log) => {
        const second = log.index.bySeq(2)
        return { counts: log.index.counts, answer: second && (await log.answer(second)) }
      })
    expect(await look()).toMatchObject({
      counts: { pending: 10, acknowledged: 2 },
      answer: { head: { status: 202, replayed: true, attempts: 4 }, content: body },
    })
    expect(readdirSync(directory, { recursive: true }).sort()).toEqual(names)
    const looks: Promise<{ counts: { pending: number } }>[] = []
    for (let round = 0; round < 5; round++) looks.push(outbox.compact().then(look), look())
    for (const { counts } of await Promise.all(looks)) expect(counts.pending).toBe(10)
    await outbox.close()
    expect(readdirSync(copies)).toEqual([])
  })

  it('says that there is none', async () => {
    await expect(withSnapshot(folders.make(), async () => 0)).rejects.toMatchObject({ code: 'missing' })
    await expect(withSnapshot('/nowhere/at/all', async () => 0)).rejects.toMatchObject({ code: 'missing' })
  })
})
