import { readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { TemporaryFolders } from '@fractal-lba/agent/testing'
import {
  deadLetterRecord,
  fenceRecord,
  flipBit,
  markRecord,
  openWal,
  redriveRecord,
  submission,
  writeSubmissions,
} from '@fractal-lba/log-tools/testing'
import { LOG_RECORD_TYPE } from '@fractal-lba/proto'
import { afterEach, describe, expect, it } from 'vitest'
import { runPcs } from '../testing/run-pcs.js'
import { runPcsProcess } from '../testing/run-pcs-process.js'

const folders = new TemporaryFolders()
afterEach(folders.remove)

const inspect = (directory: string, ...more: string[]) =>
  runPcs(['wal', 'inspect', '--dir', directory, ...more])

async function inspected(directory: string) {
  const { code, out, err } = await inspect(directory, '--json')
  expect({ code, err }).toEqual({ code: 0, err: '' })
  const found: {
    head: { sequence: number; chain: string }
    records: Record<string, number>
    open: { sequence: number }[]
    segments: { segment: string; state: string; records: number; size_bytes: number; remark: string | null }[]
    others: string[]
  } = JSON.parse(out)
  return found
}

const body = Buffer.from('{"number":1}')

describe('pcs wal inspect', () => {
  it('derives what is open and which generation holds', async () => {
    const directory = folders.make()
    const log = await openWal(directory)
    await log.append([fenceRecord('first'), submission(body), submission(body), submission(body)])
    await log.append([markRecord({ sequence: 3, status: 400 }), markRecord({ sequence: 3, status: 400 })])
    await log.append([fenceRecord('second'), markRecord({ sequence: 2, status: 401 })])
    await log.append([
      { type: 9, encoding: 0, body },
      { type: 2, encoding: 2, body: Buffer.from([0xff]) },
    ])
    const head = log.head()
    await log.close()
    expect(await inspected(directory)).toMatchObject({
      head,
      records: { submission: 3, mark: 4, fence: 2, 'type-9': 1 },
      marks: { 400: 2, 401: 1 },
      unreadable: 1,
      generation: 'second',
      open: [{ sequence: 4 }],
      others: [],
    })
    const { out } = await inspect(directory)
    expect(out).toContain('records      3 submission, 4 mark, 2 fence, 1 type-9\n')
    expect(out).toContain('generation   second\n')
    expect(out).toContain('open         1 submissions\n  record 4, since 20')
  })

  it('tells dead letters from what is open, and those that were driven again', async () => {
    const directory = folders.make()
    const log = await openWal(directory)
    await log.append(Array.from({ length: 4 }, () => submission(body)))
    const letters = [1, 2, 3].map((sequence) => ({ sequence, reason: `reason ${sequence}`, tries: 5 }))
    await log.append(letters.map(deadLetterRecord))
    await log.append([redriveRecord(1), markRecord({ sequence: 2, status: 400 })])
    await log.close()
    expect(await inspected(directory)).toMatchObject({
      open: [{ sequence: 1 }, { sequence: 4 }],
      dead_letters: [{ sequence: 3, reason: 'reason 3', tries: 5 }],
    })
    expect((await inspect(directory)).out).toMatch(
      /dead letters 1\n {2}record 3, since .*Z, after 5 tries: reason 3\n/,
    )
    const { out } = await runPcs(['wal', 'export', '--dir', directory, '--from', '7', '--to', '8'])
    expect(out).toContain('"dead_letter":{"sequence":3,"reason":"reason 3","tries":5}')
    expect(out).toContain('"drive_again":{"sequence":1}')
  })

  it('tells sealed, active, quarantined and damaged segments and the files beside them', async () => {
    const directory = folders.make()
    await writeSubmissions(directory, 60)
    const names = readdirSync(directory).sort()
    const [first = '', second = '', third = ''] = names
    flipBit(directory, first, 5000)
    await (await openWal(directory)).close() // quarantines it
    flipBit(directory, second, 4200)
    writeFileSync(join(directory, `${third}.torn`), 'torn')
    const before = readdirSync(directory).sort()
    const { segments, others } = await inspected(directory)
    expect(segments.map(({ segment, state }) => [segment, state])).toEqual([
      [`${first}.quarantined`, 'quarantined'],
      [second, 'damaged'],
      ...names.slice(2, -1).map((name) => [name, 'sealed']),
      [names.at(-1), 'active'],
    ])
    expect(segments[1]?.remark).toContain('at byte 4096')
    expect(others).toEqual([`${third}.torn`])
    expect(readdirSync(directory).sort()).toEqual(before)
  })

  it('shows compacted bodies as dropped', async () => {
    const directory = folders.make()
    await writeSubmissions(directory, 40)
    const log = await openWal(directory)
    const { dropped } = await log.dropBodies(1, () => true)
    await log.close()
    expect(dropped).toBeGreaterThan(5)
    const found = await inspected(directory)
    expect(found).toMatchObject({ dropped_bodies: dropped })
    // only the body of what is done is ever dropped, and its mark may have gone since
    expect(found.open.length).toBe(40 - dropped)
  })

  it('leaves a torn tail where it is', async () => {
    const directory = folders.make()
    await writeSubmissions(directory, 3)
    const [only = ''] = readdirSync(directory)
    const content = readFileSync(join(directory, only))
    const last = content.lastIndexOf(content.subarray(9, 16)) - 13
    truncateSync(join(directory, only), last + 300)
    const found = await inspected(directory)
    expect(found.head.sequence).toBe(2)
    expect(found.segments[0]).toMatchObject({
      state: 'active',
      remark: `300 bytes from byte ${last} on are no whole flush group`,
    })
    expect(readdirSync(directory)).toEqual([only])
  })

  it('sees a log that is being written, compacted and shortened as a sound one', async () => {
    const directory = folders.make()
    const log = await openWal(directory)
    let done = false
    const writing = (async () => {
      for (let number = 0; !done; number++) {
        await log.append([submission(body), markRecord({ sequence: 2 * number + 1, status: 400 })])
        if (number % 200 !== 199) continue
        for (const { firstSequence } of log.segments().slice(0, 2)) {
          await log.dropBodies(firstSequence, ({ type }) => type === LOG_RECORD_TYPE.submission)
        }
        await log.removeBefore(2 * number - 600)
      }
    })()
    try {
      for (let round = 0; round < 5; round++) {
        const { segments, open } = await inspected(directory)
        const states = segments.map(({ state }) => state)
        expect(states).toEqual([...segments.slice(1).map(() => 'sealed'), 'active'])
        // the last group may be seen in part: the submission without its mark
        expect(open.length).toBeLessThanOrEqual(1)
      }
    } finally {
      done = true
      await writing
    }
    expect(log.status()).toMatchObject({ writable: true, quarantined: [] })
    await log.close()
  })

  it('does not bring gRPC into the start of other commands', async () => {
    const told =
      'process.on("exit", () => process.stderr.write(String(Object.keys(require.cache).some((name) => name.includes("@grpc"))))'
    const directory = folders.make()
    await writeSubmissions(directory, 1)
    const script = join(directory, 'told.cjs')
    writeFileSync(script, `${told})`)
    const env = { NODE_OPTIONS: `--require=${script}` }
    expect((await runPcsProcess(['--help'], { env })).err).toBe('false')
    expect((await runPcsProcess(['wal', 'verify', '--dir', directory], { env })).err).toBe('false')
    expect((await runPcsProcess(['wal', 'inspect', '--dir', directory], { env })).err).toBe('true')
  })
})
