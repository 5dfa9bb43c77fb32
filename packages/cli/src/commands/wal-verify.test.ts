import { readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { TemporaryFolders } from '@fractal-lba/agent/testing'
import { flipBit, openWal, submission, writeSubmissions } from '@fractal-lba/log-tools/testing'
import { afterEach, describe, expect, it } from 'vitest'
import { runPcs } from '../testing/run-pcs.js'

const folders = new TemporaryFolders()
afterEach(folders.remove)

const verify = (directory: string, ...more: string[]) =>
  runPcs(['wal', 'verify', '--dir', directory, ...more])

/** The reports as `--json` prints them. */
async function report(directory: string, ...more: string[]) {
  const { code, out } = await verify(directory, '--json', ...more)
  const found: {
    sound: boolean
    records: number
    head: { sequence: number; chain: string }
    given_head?: string
    given_head_sequence?: number
    segments: {
      segment: string
      records: number
      torn_at: number | null
      damage: { start: number; end: number; after_sequence: number }[]
    }[]
  } = JSON.parse(out)
  return { code, ...found }
}

const segmentsOf = (directory: string) => readdirSync(directory).filter((name) => name.endsWith('.seg'))

describe('pcs wal verify', () => {
  it('finds a sound log sound, prints its head last, and changes nothing', async () => {
    const directory = folders.make()
    const head = await writeSubmissions(directory, 40)
    const before = readdirSync(directory).map((name) => [name, readFileSync(join(directory, name))])
    const { code, out, err } = await verify(directory)
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toContain('40 records\n')
    expect(out.trimEnd().split('\n').at(-1)).toBe(`head: record 40, chain ${head}`)
    expect(readdirSync(directory).map((name) => [name, readFileSync(join(directory, name))])).toEqual(before)
  })

  it.each(['WAL_DIR', 'DATA_DIR'])('finds the log by %s', async (name) => {
    const data = folders.make()
    const directory = join(data, 'wal')
    const head = await writeSubmissions(directory, 1)
    const env = { [name]: name === 'WAL_DIR' ? directory : data }
    expect((await runPcs(['wal', 'verify'], { env })).out).toContain(head)
  })

  it('says where a flipped bit is, and reads on behind it', async () => {
    const directory = folders.make()
    await writeSubmissions(directory, 40)
    const [, second = ''] = segmentsOf(directory)
    const content = readFileSync(join(directory, second))
    const first = Number.parseInt(second, 16)
    const mark = content.subarray(9, 16)
    const third = content.indexOf(mark, content.indexOf(mark, 4096 + 14) + 1) - 13
    const fourth = content.indexOf(mark, third + 14) - 13
    flipBit(directory, second, third + 200)
    const { code, sound, records, segments, head } = await report(directory)
    expect({ code, sound, records, last: head.sequence }).toEqual({
      code: 1,
      sound: false,
      records: 39,
      last: 40,
    })
    expect(segments.map(({ damage }) => damage.length)).toEqual(
      segments.map(({ segment }) => (segment === second ? 1 : 0)),
    )
    expect(segments[1]?.damage[0]).toMatchObject({ start: third, end: fourth, after_sequence: first + 1 })
    const text = await verify(directory)
    expect(text.out).toContain(`bytes ${third} to ${fourth - 1}, after record ${first + 1}: `)
    expect(text.err).toBe('pcs: the log is damaged: see above; a start serves what is intact of it\n')
  })

  it('notices a tail that was cut off only against the head', async () => {
    const directory = folders.make()
    const head = await writeSubmissions(directory, 40)
    expect(await report(directory, '--head', head)).toMatchObject({ code: 0, given_head: 'same' })
    rmSync(join(directory, segmentsOf(directory).at(-1) ?? ''))
    expect(await report(directory)).toMatchObject({ code: 0, sound: true })
    expect(await report(directory, '--head', head)).toMatchObject({ code: 1, given_head: 'missing' })
    expect((await verify(directory, '--head', head)).err).toContain('its tail was cut off')
  })

  it('takes the first 12 digits of a head, which is what a metric can hold', async () => {
    const directory = folders.make()
    const older = (await writeSubmissions(directory, 5)).slice(0, 12)
    const log = await openWal(directory)
    await log.append([submission(Buffer.from('{}'))])
    const newest = log.head().chain.slice(0, 12)
    await log.close()
    expect(await report(directory, '--head', newest)).toMatchObject({ code: 0, given_head: 'same' })
    expect(await report(directory, '--head', older)).toMatchObject({
      given_head: 'grown',
      given_head_sequence: 5,
    })
    const wrong = `${older.slice(0, 11)}${older.endsWith('0') ? '1' : '0'}`
    expect(await report(directory, '--head', wrong)).toMatchObject({ code: 1, given_head: 'missing' })
  })

  it('notices the last record zeroed away only against the head', async () => {
    const directory = folders.make()
    const head = await writeSubmissions(directory, 3)
    const [only = ''] = segmentsOf(directory)
    const content = readFileSync(join(directory, only))
    content.fill(0, content.lastIndexOf(content.subarray(9, 16)) - 13)
    writeFileSync(join(directory, only), content)
    expect(await report(directory)).toMatchObject({ code: 0, records: 2 })
    expect(await report(directory, '--head', head)).toMatchObject({ code: 1, given_head: 'missing' })
  })

  it('takes an older head for what it is: the log has grown since', async () => {
    const directory = folders.make()
    const head = await writeSubmissions(directory, 5)
    const log = await openWal(directory)
    await log.append([submission(Buffer.from('{}'))])
    await log.close()
    expect(await report(directory, '--head', head)).toMatchObject({
      code: 0,
      given_head: 'grown',
      given_head_sequence: 5,
    })
  })

  it('is no fault finder of a log that is being written, and its owner notices nothing', async () => {
    const directory = folders.make()
    const log = await openWal(directory)
    let done = false
    const writing = (async () => {
      for (let number = 0; !done; number++) {
        await log.append([submission(Buffer.from(`{"number":${number}}`))])
        if (number % 500 === 499) await log.removeBefore(number - 400)
      }
    })()
    try {
      for (let round = 0; round < 5; round++) {
        expect(await report(directory)).toMatchObject({ code: 0, sound: true })
      }
    } finally {
      done = true
      await writing
    }
    expect(log.status()).toMatchObject({ writable: true, quarantined: [] })
    await log.close()
  })

  it('takes a torn tail for no damage, and leaves it where it is', async () => {
    const directory = folders.make()
    await writeSubmissions(directory, 3)
    const [only = ''] = segmentsOf(directory)
    const end = readFileSync(join(directory, only)).lastIndexOf(
      readFileSync(join(directory, only)).subarray(9, 16),
    )
    truncateSync(join(directory, only), end + 100)
    const found = await report(directory)
    expect(found).toMatchObject({ code: 0, sound: true, records: 2 })
    expect(found.segments[0]?.torn_at).toBe(end - 13)
    expect(segmentsOf(directory)).toEqual([only])
  })

  it.each([
    ['an empty directory', () => folders.make(), 'there is no log in'],
    ['no directory', () => '/nowhere/at/all', 'no such directory'],
  ])('says that %s holds none', async (_name, make, sentence) => {
    const { code, out, err } = await verify(make())
    expect({ code, out }).toEqual({ code: 1, out: '' })
    expect(err).toContain(sentence)
  })

  it('takes only a whole head', async () => {
    const { code, err } = await verify(folders.make(), '--head', 'abcdefabcdefab')
    expect(code).toBe(2)
    expect(err).toContain('--head must be 64 lower-case hexadecimal digits')
  })
})
