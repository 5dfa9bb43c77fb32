import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseRecord } from '@fractal-lba/pcs'
import { afterEach, describe, expect, it } from 'vitest'
import { smallRecordBytes } from '../testing/small-records.js'
import { TemporaryFolders } from '../testing/temporary-folder.js'
import { Outbox, type OutboxEvent, type OutboxOptions, type Settlement } from './index.js'

const folders = new TemporaryFolders()
const open: Outbox[] = []
afterEach(async () => {
  for (const outbox of open.splice(0)) await outbox.close()
  folders.remove()
})

const events: OutboxEvent[] = []
async function opened(directory: string, options: Partial<OutboxOptions> = {}): Promise<Outbox> {
  const outbox = await Outbox.open(directory, {
    segmentBytes: 65_536,
    onFatal: (error) => {
      throw error
    },
    onEvent: (event) => events.push(event),
    ...options,
  })
  open.push(outbox)
  return outbox
}

const verdict: Settlement = {
  kind: 'acknowledged',
  status: 200,
  replayed: false,
  attempts: 1,
  body: Buffer.from('{"verdict":1}'),
}
const problem = (kind: 'dead' | 'conflict'): Settlement => ({
  kind,
  status: kind === 'dead' ? 400 : 409,
  replayed: false,
  attempts: 2,
  body: Buffer.from('{"title":"No",\n"status":400}'),
})

const linesOf = (path: string): unknown[] =>
  existsSync(path)
    ? readFileSync(path, 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line))
    : []

describe('an outbox', () => {
  it('numbers records, keeps their bytes and remembers all of it', async () => {
    const directory = folders.make()
    const first = await opened(directory)
    const told: number[] = []
    first.onPending = ({ seq }) => told.push(seq)
    const added = [await first.add(smallRecordBytes(1)), await first.add(smallRecordBytes(2))]
    expect(added).toMatchObject([
      { seq: 1, known: false, same: true },
      { seq: 2, known: false, same: true },
    ])
    expect(told).toEqual([1, 2])
    await first.settle(1, verdict)
    await first.close()

    const again = await opened(directory)
    expect(again.counts).toEqual({ pending: 1, acknowledged: 1, dead: 0, conflict: 0 })
    const bytes = await again.read(2)
    expect(bytes.toString()).toBe(smallRecordBytes(2).toString().replace('"outbox_seq":0', '"outbox_seq":2'))
    expect(parseRecord(bytes).ft.outbox_seq).toBe(2)
    expect((await again.add(smallRecordBytes(3))).seq).toBe(3)
    expect([...again.entries()].map(({ seq, state }) => [seq, state])).toEqual([
      [1, 'acknowledged'],
      [2, 'pending'],
      [3, 'pending'],
    ])
    expect(again.oldestPending()?.seq).toBe(2)
  })

  it('takes a record once, whatever became of it', async () => {
    const outbox = await opened(folders.make())
    const both = await Promise.all([outbox.add(smallRecordBytes(1)), outbox.add(smallRecordBytes(1))])
    expect(both.map(({ seq, known }) => [seq, known])).toEqual([
      [1, false],
      [1, true],
    ])
    await outbox.settle(1, verdict)
    expect(await outbox.add(smallRecordBytes(1))).toMatchObject({ seq: 1, known: true, same: true })
    const otherContent = smallRecordBytes(1, 99)
    expect(parseRecord(otherContent).pcs_id).toBe(parseRecord(smallRecordBytes(1)).pcs_id)
    expect(await outbox.add(otherContent)).toMatchObject({ seq: 1, known: true, same: false })
    expect(outbox.counts).toMatchObject({ pending: 0, acknowledged: 1 })
  })

  it('refuses what is no record, and what bears the id of another', async () => {
    const outbox = await opened(folders.make())
    await expect(outbox.add(Buffer.from('{}'))).rejects.toThrow('malformed')
    const foreign = smallRecordBytes(1)
      .toString()
      .replace(/"pcs_id":"[0-9a-f]+"/, `"pcs_id":"${'0'.repeat(64)}"`)
    await expect(outbox.add(Buffer.from(foreign))).rejects.toMatchObject({ code: 'foreign_id' })
    expect(outbox.counts.pending).toBe(0)
  })

  it.each([
    ['OUTBOX_ENTRIES_MAX=2', { entriesMax: 2 }],
    ['OUTBOX_BYTES_MAX=66536', { bytesMax: 66_536 }],
  ])('is full at %s, and takes again when something was acknowledged', async (name, limits) => {
    const outbox = await opened(folders.make(), limits)
    const results = await Promise.allSettled([1, 2, 3].map((number) => outbox.add(smallRecordBytes(number))))
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected'])
    await expect(outbox.add(smallRecordBytes(3))).rejects.toMatchObject({
      code: 'full',
      message: expect.stringContaining(name),
    })
    expect(outbox.refusal).toContain(name)
    await outbox.settle(1, verdict)
    expect((await outbox.add(smallRecordBytes(3))).known).toBe(false)
    // what waits for a person counts as well
    await outbox.settle(2, problem('dead'))
    await expect(outbox.add(smallRecordBytes(4))).rejects.toMatchObject({ code: 'full' })
  })

  it('belongs to one process at a time', async () => {
    const directory = folders.make()
    await opened(directory)
    await expect(opened(directory)).rejects.toMatchObject({ code: 'locked' })
  })

  it('settles each record once', async () => {
    const outbox = await opened(folders.make())
    await outbox.add(smallRecordBytes(1))
    const both = await Promise.allSettled([outbox.settle(1, verdict), outbox.settle(1, verdict)])
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    await expect(outbox.settle(1, verdict)).rejects.toMatchObject({ code: 'unknown' })
    await expect(outbox.settle(9, verdict)).rejects.toMatchObject({ code: 'unknown' })
    await expect(outbox.read(1)).rejects.toMatchObject({ code: 'unknown' })
  })

  it('tells of dead letters and conflicts in files of lines, and puts dead letters back', async () => {
    const directory = folders.make()
    const outbox = await opened(directory)
    for (const number of [1, 2]) await outbox.add(smallRecordBytes(number))
    await outbox.settle(1, problem('dead'))
    await outbox.settle(2, problem('conflict'))
    const sent = smallRecordBytes(1).toString().replace('"outbox_seq":0', '"outbox_seq":1')
    expect(linesOf(join(directory, 'dead-letters.jsonl'))).toEqual([
      {
        outbox_seq: 1,
        at: expect.stringMatching(/^\d{4}-.*Z$/),
        pcs_id: outbox.bySeq(1)?.pcsId,
        status: 400,
        problem: { title: 'No', status: 400 },
        record: sent,
      },
    ])
    expect(linesOf(join(directory, 'conflicts.jsonl'))).toMatchObject([{ outbox_seq: 2, status: 409 }])

    const told: number[] = []
    outbox.onPending = ({ seq }) => told.push(seq)
    await outbox.revive(1)
    expect(told).toEqual([1])
    expect((await outbox.read(1)).toString()).toBe(sent)
    await expect(outbox.revive(1)).rejects.toMatchObject({ code: 'unknown' })
    await outbox.settle(1, verdict)
    await expect(outbox.revive(1)).rejects.toMatchObject({ code: 'unknown' })
    await outbox.revive(2)
    expect(told).toEqual([1, 2])
    await outbox.close()
    expect((await opened(directory)).counts).toEqual({ pending: 1, acknowledged: 1, dead: 0, conflict: 0 })
  })

  it('adds the lines that a crash prevented, and only those', async () => {
    const directory = folders.make()
    const outbox = await opened(directory)
    for (const number of [1, 2, 3]) await outbox.add(smallRecordBytes(number))
    for (const seq of [1, 2, 3]) await outbox.settle(seq, problem('dead'))
    await outbox.close()
    const path = join(directory, 'dead-letters.jsonl')
    const whole = readFileSync(path, 'utf8')
    const [first = ''] = whole.split('\n')
    writeFileSync(path, `${first}\n${whole.slice(first.length + 1, first.length + 200)}`)
    await (await opened(directory)).close()
    expect(readFileSync(path, 'utf8')).toBe(whole)
    await (await opened(directory)).close()
    expect(readFileSync(path, 'utf8')).toBe(whole)
  })

  it('goes on when a file for people cannot be written', async () => {
    const directory = folders.make()
    const outbox = await opened(directory)
    await outbox.add(smallRecordBytes(1))
    events.length = 0
    // a directory in its place
    mkdirSync(join(directory, 'dead-letters.jsonl'))
    await outbox.settle(1, problem('dead'))
    expect(outbox.counts.dead).toBe(1)
    expect(events.filter(({ type }) => type === 'report_failed')).toHaveLength(1)
  })

  it('never gives a number twice, though a part of its log is gone', async () => {
    const directory = folders.make()
    const outbox = await opened(directory, { segmentBytes: 8_192 })
    for (let number = 0; number < 20; number++) await outbox.add(smallRecordBytes(number))
    await outbox.close()
    const log = join(directory, 'log-1')
    const segments = readdirSync(log)
      .filter((name) => name.endsWith('.seg'))
      .sort()
    expect(segments.length).toBeGreaterThan(3)
    // nothing of the last one can be read, and nothing tells how much was in it
    const last = join(log, segments.at(-1) ?? '')
    writeFileSync(last, Buffer.alloc(readFileSync(last).length, 0xff))
    const again = await opened(directory, { segmentBytes: 8_192 })
    expect(again.counts.pending).toBeLessThan(20)
    const { seq } = await again.add(smallRecordBytes(100))
    expect(seq).toBeGreaterThan(20)
  })
})
