import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { defaultParameters, parseRecord } from '@fractal-lba/pcs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { nodeOutboxFiles } from '../outbox/files.js'
import { Outbox } from '../outbox/index.js'
import { recordText } from '../record/record-text.js'
import { smallCsv } from '../testing/small-records.js'
import { TemporaryFolders } from '../testing/temporary-folder.js'
import { until } from '../testing/until.js'
import { WatchedDirectory } from './directory.js'
import { buildFile } from './record-builder.js'
import { type FileEvent, Watcher, type WatcherOptions } from './watcher.js'

const folders = new TemporaryFolders()
const rules = { seed: 1, params: defaultParameters }
let path: string
let outbox: Outbox
let events: FileEvent[]
let troubles: (string | undefined)[]
let watchers: Watcher[]
let told: unknown[]

const rethrow = (error: Error): void => {
  throw error
}

beforeEach(async () => {
  path = folders.make()
  outbox = await Outbox.open(folders.make(), { segmentBytes: 262_144, entriesMax: 5, onFatal: rethrow })
  events = []
  troubles = []
  watchers = []
  told = []
})
afterEach(async () => {
  for (const watcher of watchers) await watcher.stop()
  await outbox.close()
  folders.remove()
})

async function watch(options: Partial<WatcherOptions> = {}): Promise<Watcher> {
  const directory = new WatchedDirectory(path)
  await directory.prepare()
  const watcher = new Watcher({
    directory,
    outbox,
    fixed: {},
    settleMs: 0,
    unfinishedMs: 60_000,
    pollMs: 10,
    build: (task) => buildFile(task, rules),
    textOf: (record) => Buffer.from(recordText(record)),
    onFile: (event) => events.push(event),
    onTrouble: (sentence) => troubles.push(sentence),
    onNeverShipped: (reason, files) => told.push([reason, files]),
    ...options,
  })
  watchers.push(watcher)
  watcher.start(rethrow)
  return watcher
}

const put = (name: string, number: number): void => writeFileSync(join(path, name), smallCsv(number))
const names = (...parts: string[]): string[] => readdirSync(join(path, ...parts)).sort()

describe('a watcher', () => {
  it('ships what is there and what comes, in order of the numbers, and moves it to done', async () => {
    put('b.10.csv', 1)
    put('b.9.csv', 2)
    writeFileSync(join(path, '.hidden.csv'), 'half')
    writeFileSync(join(path, 'empty.csv'), '')
    writeFileSync(join(path, 'other.txt'), 'text')
    mkdirSync(join(path, 'folder.csv'))
    symlinkSync(join(path, 'other.txt'), join(path, 'link.csv'))
    await watch()
    await until('both are shipped', () => names('done').length === 2)
    put('a.1.csv', 3)
    await until('the third is shipped', () => names('done').length === 3)
    expect(events.map(({ result, name }) => [result, name])).toEqual([
      ['shipped', 'b.9.csv'],
      ['shipped', 'b.10.csv'],
      ['shipped', 'a.1.csv'],
    ])
    const record = parseRecord(await outbox.read(1))
    expect(record).toMatchObject({ shard_id: 'b', epoch: 9, seed: 1, ft: { outbox_seq: 1 } })
    expect(names()).toEqual([
      '.hidden.csv',
      'done',
      'empty.csv',
      'failed',
      'folder.csv',
      'link.csv',
      'other.txt',
    ])
    expect(readFileSync(join(path, 'done', 'b.9.csv'), 'utf8')).toBe(smallCsv(2))
  })

  it('counts files that are never shipped, tells of them once, and gives them no place among the others', async () => {
    for (let number = 0; number < 9; number++) {
      symlinkSync('/etc/passwd', join(path, `link.${number}.csv`))
      writeFileSync(join(path, `empty.${number}.csv`), '')
      writeFileSync(
        Buffer.concat([Buffer.from(`${path}/\xff`, 'latin1'), Buffer.from(`${number}.csv`)]),
        'a\n',
      )
    }
    put('z.1.csv', 1)
    const watcher = await watch({ directory: new WatchedDirectory(path, 3), unfinishedMs: 100 })
    await until('the good one is shipped', () => names('done').length === 1, 10_000)
    await until('the others are told', () => told.length === 3, 10_000)
    await new Promise((resolve) => setTimeout(resolve, 200))
    const nine = { count: 9, example: expect.stringContaining('.csv') }
    expect(told).toEqual([
      ['empty', nine],
      ['not_regular', nine],
      ['not_utf8', nine],
    ])
    expect(watcher.neverShipped).toEqual({ empty: nine, not_regular: nine, not_utf8: nine })
    expect(troubles).toEqual([])
  })

  it('leaves a file where it is until its record is on the disk', async () => {
    await outbox.close()
    let release: (() => void) | undefined
    let isOpen = false
    outbox = await Outbox.open(folders.make(), {
      onFatal: rethrow,
      files: {
        ...nodeOutboxFiles,
        async open(file, mode) {
          const opened = await nodeOutboxFiles.open(file, mode)
          const datasync = opened.datasync.bind(opened)
          opened.datasync = async () => {
            if (isOpen) {
              await new Promise<void>((resolve) => {
                release = resolve
              })
            }
            await datasync()
          }
          return opened
        },
      },
    })
    isOpen = true
    put('a.1.csv', 1)
    await watch()
    await until('its record is being flushed', () => release !== undefined)
    for (let round = 0; round < 5; round++) await new Promise((resolve) => setTimeout(resolve, 10))
    expect(names()).toContain('a.1.csv')
    expect(events).toEqual([])
    isOpen = false
    release?.()
    await until('it is moved', () => names('done').length === 1)
  })

  it('says in failed why no record can come of a file', async () => {
    writeFileSync(join(path, 'bad.1.csv'), 'timestamp,x,y,z\n0,1,two,3\n')
    put('a.99999999999999999999.csv', 1)
    put(`${'ü'.repeat(120)}\u0007.1.csv`, 2)
    put('good.1.csv', 3)
    await watch()
    const failures = () => events.filter(({ result }) => result === 'failed').length
    await until('all are moved and told', () => {
      return names('failed').length === 6 && names('done').length === 1 && failures() === 3
    })
    const why = (name: string) => readFileSync(join(path, 'failed', `${name}.error.txt`), 'utf8')
    expect(why('bad.1.csv')).toBe('bad.1.csv:2: column y is not a number: "two"\n')
    expect(why('a.99999999999999999999.csv')).toContain('the epoch')
    const long = names('failed').find((name) => /^ü{100,}-[0-9a-f]{12}\.csv$/.test(name)) ?? ''
    expect(why(long)).toContain('  /shard_id: ')
  })

  it('overwrites nothing in done and failed', async () => {
    await watch()
    for (const number of [1, 2, 3]) {
      put('a.1.csv', number)
      await until('it is moved', () => !existsSync(join(path, 'a.1.csv')))
    }
    for (const text of ['one\n', 'two\n']) {
      writeFileSync(join(path, 'x.csv'), text)
      await until('it is moved', () => !existsSync(join(path, 'x.csv')))
    }
    expect(names('done')).toEqual(['a.1.csv', 'a.1.csv.2', 'a.1.csv.3'])
    expect(names('failed')).toEqual(['x.csv', 'x.csv.2', 'x.csv.2.error.txt', 'x.csv.error.txt'])
  })

  it('finds a free name in done at once, however many files had it', async () => {
    const directory = new WatchedDirectory(path)
    await directory.prepare()
    for (const name of ['a.csv', ...Array.from({ length: 5_000 }, (_, number) => `a.csv.${number + 2}`)]) {
      writeFileSync(join(path, 'done', name), '')
    }
    const startedMs = performance.now()
    for (let file = 0; file < 50; file++) {
      put('a.csv', file)
      await directory.moveToDone('a.csv')
    }
    expect(performance.now() - startedMs).toBeLessThan(2_000)
    expect(existsSync(join(path, 'done', 'a.csv.5051'))).toBe(true)
    expect(names('done')).toHaveLength(5_051)
  })

  it('only moves a file whose record is in the outbox before', async () => {
    put('a.1.csv', 1)
    await watch()
    await until('it is shipped', () => names('done').length === 1)
    // as a crash between the two steps leaves it
    renameSync(join(path, 'done', 'a.1.csv'), join(path, 'a.1.csv'))
    await until('it is moved again', () => names('done').length === 1)
    expect(events.map(({ result }) => result)).toEqual(['shipped', 'known'])
    expect(outbox.counts.pending).toBe(1)
  })

  it.each(['dead', 'conflict'] as const)('does not move a file whose record is %s to done', async (kind) => {
    put('a.1.csv', 1)
    await watch()
    await until('it is shipped', () => names('done').length === 1)
    await outbox.settle(1, { kind, status: 400, replayed: false, attempts: 1, body: Buffer.alloc(0) })
    put('a.1.csv', 1)
    await until('it is moved', () => names('failed').length === 2)
    expect(names('done')).toEqual(['a.1.csv'])
    expect(readFileSync(join(path, 'failed', 'a.1.csv.error.txt'), 'utf8')).toContain('pcs outbox retry 1')
    await until('it is told', () => events.length === 2)
    expect(events[1]).toMatchObject({ result: 'failed', name: 'a.1.csv' })
  })

  it('leaves a file alone while somebody writes it, also while its record is built', async () => {
    const file = join(path, 'a.1.csv')
    put('a.1.csv', 1)
    let builds = 0
    await watch({
      settleMs: 50,
      build: async (task) => {
        const result = await buildFile(task, rules)
        builds += 1
        // a slow writer comes back after the file was read
        if (builds === 1) appendFileSync(file, '3,9,9,9\n')
        return result
      },
    })
    await until('it is shipped', () => names('done').length === 1)
    expect(builds).toBe(2)
    expect(outbox.counts.pending).toBe(1)
    const whole = await buildFile(
      { path: join(path, 'done', 'a.1.csv'), name: 'a', identity: { shardId: 'a', epoch: 1 } },
      rules,
    )
    expect(whole.kind === 'built' && whole.record.pcs_id).toBe([...outbox.entries()][0]?.pcsId)
  })

  it('does not ship half a file that has an old time stamp', async () => {
    const file = join(path, 'a.1.csv')
    const rows = smallCsv(1).trimEnd().split('\n')
    await watch({ settleMs: 150 })
    // as a copy that keeps the time of the original, row for row
    for (const row of rows) {
      appendFileSync(file, `${row}\n`)
      utimesSync(file, 1_600_000_000, 1_600_000_000)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    await until('it is shipped', () => names('done').length === 1, 10_000)
    expect(readFileSync(join(path, 'done', 'a.1.csv'), 'utf8')).toBe(`${rows.join('\n')}\n`)
    expect(events).toHaveLength(1)
  })

  it('waits longer for the end of a last line, then names the error', async () => {
    const text = smallCsv(1).trimEnd()
    writeFileSync(join(path, 'a.1.csv'), text.slice(0, -3))
    writeFileSync(join(path, 'b.1.csv'), text)
    await watch({ settleMs: 30, unfinishedMs: 600 })
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(events).toEqual([])
    writeFileSync(join(path, 'a.1.csv'), `${text}\n`)
    await until('the finished one is shipped', () => names('done').length === 1, 10_000)
    await until('the other one is refused', () => names('failed').length === 2, 10_000)
    expect(names('done')).toEqual(['a.1.csv'])
    expect(readFileSync(join(path, 'failed', 'b.1.csv.error.txt'), 'utf8')).toContain(
      'b.1.csv: its last line has no newline',
    )
  })

  it('ships the others though the build of one file is aborted, and puts it aside at the second time', async () => {
    put('a.1.csv', 1)
    put('b.1.csv', 2)
    const tried: string[] = []
    const watcher = await watch({
      build: (task) => {
        tried.push(task.name)
        if (task.name !== 'a.1.csv') return buildFile(task, rules)
        return Promise.resolve({ kind: 'aborted', why: 'it took longer than 60000 ms' })
      },
    })
    await until('it is put aside', () => names('failed').length === 2, 10_000)
    expect(names('done')).toEqual(['b.1.csv'])
    expect(tried).toEqual(['a.1.csv', 'b.1.csv', 'a.1.csv'])
    expect(troubles[0]).toBe(
      'a.1.csv: its build was aborted: it took longer than 60000 ms; it is tried once more',
    )
    await until('the trouble is over', () => watcher.trouble === undefined, 10_000)
    expect(readFileSync(join(path, 'failed', 'a.1.csv.error.txt'), 'utf8')).toContain(', twice')
  })

  it('leaves files where they are while the outbox is full, and says so once', async () => {
    for (let number = 1; number <= 7; number++) put(`a.${number}.csv`, number)
    const watcher = await watch()
    await until('it is full', () => watcher.trouble !== undefined)
    expect(names('done')).toHaveLength(5)
    expect(watcher.trouble).toContain('OUTBOX_ENTRIES_MAX=5')
    const settlement = { kind: 'acknowledged', status: 200, replayed: false, attempts: 1 } as const
    for (const seq of [1, 2, 3]) await outbox.settle(seq, { ...settlement, body: Buffer.alloc(0) })
    await until('the others are shipped', () => names('done').length === 7)
    await until('the trouble is over', () => watcher.trouble === undefined)
    expect(troubles).toEqual([expect.stringContaining('is full'), undefined])
  })

  it('ships a file once though it cannot be moved, and the others all the same', async () => {
    put('a.1.csv', 1)
    put('b.1.csv', 2)
    const directory = new WatchedDirectory(path)
    await directory.prepare()
    let blocked = true
    const move = directory.moveToDone.bind(directory)
    directory.moveToDone = async (name) => {
      if (blocked && name === 'a.1.csv') throw Object.assign(new Error('EROFS: no'), { syscall: 'rename' })
      await move(name)
    }
    let builds = 0
    const watcher = await watch({
      directory,
      build: (task) => {
        builds += 1
        return buildFile(task, rules)
      },
    })
    await until('the other one is moved', () => names('done').length === 1)
    await until('the trouble is told', () => watcher.trouble !== undefined)
    expect(watcher.trouble).toBe('EROFS: no')
    blocked = false
    await until('it is moved', () => names('done').length === 2)
    expect(builds).toBe(2)
    expect(events.map(({ result }) => result)).toEqual(['shipped', 'shipped'])
  })

  it('goes on when the directory comes back', async () => {
    const watcher = await watch()
    rmSync(path, { recursive: true })
    await until('it is told', () => watcher.trouble !== undefined)
    mkdirSync(join(path, 'done'), { recursive: true })
    put('a.1.csv', 1)
    await until('it is shipped', () => names('done').length === 1)
    await until('the trouble is over', () => watcher.trouble === undefined)
  })
})
