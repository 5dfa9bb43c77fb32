import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { record } from '@fractal-lba/proto'
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { DirectoryLog } from './directory-log.js'
import { watchDirectory } from './directory-watch.js'

let place: string
let directory: string
let log: DirectoryLog

beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), 'fractal-lba-directory-'))
  directory = join(place, 'wal')
  const options = { directory, openMax: 100, liveLeaseMs: 0, replayTries: 5 }
  log = await DirectoryLog.open(options, { segmentBytes: 1 << 16, onFatal: () => undefined })
})
afterEach(async () => {
  await log.close().catch(() => undefined) // its files may be gone
  await rm(place, { recursive: true, force: true })
})

/** What the watch says, as soon as it does. */
function told(): Promise<string> {
  const stop = new AbortController()
  onTestFinished(() => stop.abort())
  return new Promise((resolve) => {
    watchDirectory(log, { directory, everyMs: 5, onLost: ({ message }) => resolve(message) }, stop.signal)
  })
}

/** After some looks. */
const nothing = (): Promise<string> => new Promise((resolve) => setTimeout(resolve, 100, 'nothing'))

const locks = async (): Promise<string[]> =>
  (await readdir(directory)).filter((name) => name.startsWith('lock.'))

describe('a log whose directory is taken away', () => {
  it.each([
    ['removed', () => rm(directory, { recursive: true })],
    [
      'moved away, and another put in its place',
      async () => {
        await rename(directory, `${directory}-moved`)
        await mkdir(directory)
      },
    ],
    [
      'without its lock',
      async () => {
        for (const name of await locks()) await rm(join(directory, name))
      },
    ],
  ])('%s: it would take appends as before, and says that it must not', async (_case, takeAway) => {
    expect(await Promise.race([told(), nothing()])).toBe('nothing')
    await takeAway()
    const item = {
      body: Buffer.from('x'),
      encoding: record.Encoding.ENCODING_JSON,
      liveMs: 0,
      arrivedAtMs: 0,
    }
    expect(await log.append([item])).toHaveLength(1)
    expect(await told()).toContain('was removed, replaced or unmounted')
  })
})
