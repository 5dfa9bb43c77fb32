import { setTimeout as sleep } from 'node:timers/promises'
import { dedup } from '@fractal-lba/proto'
import type { ServerControls } from '@fractal-lba/test-servers'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { RemoteServer } from '../remote/remote-server.js'
import type { StoredVerdict } from '../store.js'
import { startTestWal } from '../testing/index-under-test.js'
import { up } from '../testing/remote-under-test.js'
import { type SharedIndex, sharedIndex, submit, submitUntilAnswered } from '../testing/shared-index.js'
import type { TestWal } from '../testing/test-wal.js'
import { entryOf, verdictOf } from '../testing/verdicts.js'
import { NO_LOGS } from './log-set.js'

/** What the suite needs of a server that several processes share. */
export interface SharedServer {
  connect(): RemoteServer
  /** Undefined where it is more than one process. */
  readonly controls: Pick<ServerControls, 'kill' | 'pause' | 'resume' | 'restart'>
  /** FLUSHALL, TRUNCATE: everything is gone, and the server goes on. */
  empty(): Promise<void>
  /** Takes a copy. @returns what brings the server back to it. */
  backup(): Promise<() => Promise<void>>
  close(): Promise<void>
}

const { FINDING_CONFLICT, FINDING_DUPLICATE, FINDING_OWN } = dedup.Finding

/** What several dedup processes on one server must keep to, whatever happens to the server. */
export function describeSharedIndex(name: string, start: () => Promise<SharedServer>): void {
  describe(`${name}: an index that several processes share`, () => {
    let server: SharedServer
    let wal: TestWal
    const acknowledged = new Map<string, StoredVerdict>()
    beforeEach(async () => {
      server = await start()
      acknowledged.clear()
    }, 60_000)
    afterEach(() => server.close())

    const begin = async (...wals: TestWal[]): Promise<SharedIndex> => {
      const process = sharedIndex(wals, server.connect())
      await process.answering()
      return process
    }
    const acknowledge = async (process: SharedIndex, ...names: string[]): Promise<void> => {
      for (const one of names) {
        const { finding, verdict } = await submitUntilAnswered(process, wal, one)
        expect(finding).toBe(FINDING_OWN)
        acknowledged.set(one, verdict)
      }
    }
    const names = (prefix: string): string[] => Array.from({ length: 20 }, (_, index) => `${prefix} ${index}`)
    /** Every acknowledged verdict stands: its duplicate gets it, and a twin with other content gets the conflict. */
    const expectAllKept = async (process: SharedIndex): Promise<void> => {
      for (const [one, verdict] of acknowledged) {
        const again = await submitUntilAnswered(process, wal, one)
        expect(again).toEqual({ finding: FINDING_DUPLICATE, verdict })
        const twin = await submitUntilAnswered(process, wal, one, 'other content')
        expect(twin).toEqual({ finding: FINDING_CONFLICT, verdict })
      }
    }
    /** Resolves when the store's position is at the end of the log. */
    const followed = (process: SharedIndex): Promise<void> =>
      vi.waitFor(
        async () => expect((await process.store.positions()).get(wal.logId)).toBe(wal.nextSequence),
        { timeout: 10_000 },
      )

    it('is filled by one process and adopted by the others', async () => {
      wal = await startTestWal()
      const one = await begin(wal)
      await acknowledge(one, ...names('a'))
      const two = await begin(wal)
      expect(await two.answering()).toBe(await one.answering())
      expect([await one.fills(), await two.fills()]).toEqual([1, 0])
      expect(wal.calls.filter((call) => call === 'fence')).toHaveLength(1)
      await expectAllKept(two)
    })

    it('is filled once when several begin together', async () => {
      wal = await startTestWal()
      const all = [1, 2, 3].map(() => sharedIndex([wal], server.connect()))
      const generations = await Promise.all(all.map((process) => process.answering()))
      expect(new Set(generations)).toEqual(new Set([wal.generation]))
      const fills = await Promise.all(all.map((process) => process.fills()))
      expect(fills.reduce((sum, count) => sum + count)).toBe(1)
    })

    it('lets one of 64 racers win, over two processes', async () => {
      wal = await startTestWal()
      const processes = [await begin(wal), await begin(wal)]
      const answers = await Promise.all(
        Array.from({ length: 64 }, async (_, racer) => {
          const process = processes[racer % 2]
          return process && submit(process, wal, 'raced', `content ${racer}`)
        }),
      )
      expect(answers.filter((answer) => answer?.finding === FINDING_OWN)).toHaveLength(1)
      expect(answers.filter((answer) => answer?.finding === FINDING_CONFLICT)).toHaveLength(63)
      expect(new Set(answers.map((answer) => answer?.verdict.fingerprint.toString('hex'))).size).toBe(1)
    })

    it('takes nothing back when the store is emptied while it runs', async () => {
      wal = await startTestWal()
      const [one, two] = [await begin(wal), await begin(wal)]
      await acknowledge(one, ...names('a'))
      const generation = await one.answering()
      await server.empty()
      // At once, before anybody has looked: no answer comes from the empty store. (Whoever looks first fills it.)
      const answers = await Promise.all([submit(one, wal, 'a 0', 'twin'), submit(two, wal, 'a 1', 'twin')])
      for (const answer of answers) expect([undefined, FINDING_CONFLICT]).toContain(answer?.finding)
      const next = await one.answering(generation)
      expect(await two.answering(generation)).toBe(next)
      expect((await one.fills()) + (await two.fills())).toBe(2)
      await expectAllKept(one)
      await expectAllKept(two)
    })

    it('answers 503 while the store hangs, and goes on by itself as it was', async () => {
      wal = await startTestWal()
      const one = await begin(wal)
      await acknowledge(one, ...names('a'))
      const generation = await one.answering()
      await server.controls.pause()
      // The first one waits for the time that a command has; from then on nobody waits.
      expect(await submit(one, wal, 'late')).toBeUndefined()
      expect(one.store.state()).toMatchObject({
        up: false,
        refusal: expect.stringMatching(/does not answer/),
      })
      expect(await submit(one, wal, 'later')).toBeUndefined()
      await server.controls.resume()
      expect(await one.answering()).toBe(generation)
      expect(await one.fills()).toBe(1)
      await acknowledge(one, ...names('b'))
      await expectAllKept(one)
    })

    it('takes nothing back when the server is killed and comes back', async () => {
      wal = await startTestWal()
      const [one, two] = [await begin(wal), await begin(wal)]
      await acknowledge(one, ...names('a'))
      const generation = await one.answering()
      await server.controls.kill()
      expect(await submit(one, wal, 'down')).toBeUndefined()
      await server.controls.restart()
      await one.answering(generation)
      await two.answering(generation)
      await expectAllKept(two)
    })

    it('waits for a store that is not there yet', async () => {
      wal = await startTestWal()
      await server.controls.kill()
      const one = sharedIndex([wal], server.connect())
      await vi.waitFor(
        () =>
          expect(one.availability()).toMatchObject({
            answers: false,
            refusal: expect.stringMatching(/store/),
          }),
        { timeout: 30_000 },
      )
      await server.controls.restart()
      await one.answering()
      await acknowledge(one, 'a')
    })

    it('takes nothing back when the store is set back to a copy, and reads only what the copy lacks', async () => {
      wal = await startTestWal()
      const one = await begin(wal)
      await acknowledge(one, ...names('a'))
      await followed(one)
      const position = (await one.store.positions()).get(wal.logId) ?? 0
      const setBack = await server.backup()
      await acknowledge(one, ...names('b'))
      await followed(one)
      const generation = await one.answering()
      wal.calls.length = 0
      await setBack()
      await one.answering(generation)
      expect(wal.calls.slice(0, 2)).toEqual(['fence', `readMarks ${position}`])
      await expectAllKept(one)
    })

    it('takes over from a process that died while it filled', async () => {
      wal = await startTestWal()
      const dying = await up(server.connect())
      expect(await dying.acquireLease(60_000)).toBe(true)
      await dying.begin('of the dead', NO_LOGS)
      const one = sharedIndex([wal], server.connect())
      await vi.waitFor(
        () =>
          expect(one.availability()).toMatchObject({
            refusal: 'the index is being filled by another process',
          }),
        { timeout: 30_000 },
      )
      await dying.acquireLease(1) // over at once, as that of the dead is in the end
      await dying.close()
      await one.answering()
      await acknowledge(one, 'a')
    })

    it('is filled again by the process that has a further log, and the others, which lack it, refuse', async () => {
      wal = await startTestWal()
      const other = await startTestWal()
      const one = await begin(wal)
      await acknowledge(one, ...names('a'))
      const generation = await one.answering()
      const two = sharedIndex([wal, other], server.connect())
      const next = await two.answering()
      expect(next).not.toBe(generation)
      expect([wal.generation, other.generation]).toEqual([next, next])
      const refusal = expect.stringContaining(`lacks logs that the store is the index of (${other.logId})`)
      await vi.waitFor(() => expect(one.availability()).toMatchObject({ answers: false, refusal }), 30_000)
      await expectAllKept(two)
    })

    it('is not asked by a process that lacks one of its logs, also after the store was emptied', async () => {
      const [absent, other] = [await startTestWal(), await startTestWal()]
      const one = await begin(absent, other)
      for (const log of [absent, other]) {
        wal = log
        await acknowledge(one, ...names(`in ${log.logId}`))
      }
      const [first = ''] = acknowledged.keys()
      const lacking = sharedIndex([other], server.connect())
      const lacks = { answers: false, refusal: expect.stringContaining('WAL_ADDR here lacks') }
      const refuses = () => vi.waitFor(() => expect(lacking.availability()).toMatchObject(lacks), 30_000)
      await refuses()
      await one.stop()
      await server.empty()
      await sleep(500)
      expect(await submit(lacking, other, first, 'twin')).toBeUndefined()
      await refuses()
      await expectAllKept(await begin(absent, other))
    })

    it('that is intact is adopted while one of its logs is absent; an emptied one waits for it, by name', async () => {
      const other = await startTestWal()
      wal = await startTestWal()
      const one = await begin(other, wal)
      await acknowledge(one, ...names('a'))
      await one.stop()
      const { generation } = wal
      await other.down()
      const two = sharedIndex([other, wal], server.connect())
      expect(await two.answering()).toBe(generation)
      await expectAllKept(two)
      await other.up()
      await vi.waitFor(() => expect(other.calls.at(-1)).toMatch(/^readMarks/), 10_000)
      expect([await two.answering(), await two.fills()]).toEqual([generation, 0])
      const three = sharedIndex([other, wal], server.connect())
      await three.answering()
      await other.down()
      await server.empty()
      // One of them fills, and the other waits for it: each names the log.
      for (const { availability } of [two, three]) {
        const refusal = expect.stringContaining(`the log at ${other.address}`)
        await vi.waitFor(() => expect(availability()).toMatchObject({ answers: false, refusal }), 30_000)
      }
      await other.up()
      await Promise.all([two.answering(generation), three.answering(generation)])
      await expectAllKept(two)
    })

    it('is the index of fewer logs, for every process, when one is retired, also after the store was emptied', async () => {
      const ending = await startTestWal()
      wal = await startTestWal()
      const [one, two] = [await begin(ending, wal), await begin(ending, wal)]
      const staying = wal
      wal = ending
      await acknowledge(one, ...names('a'))
      wal = staying
      ending.says = { draining: true }
      const request = { logId: ending.logId, copyToLogId: staying.logId, lost: false }
      for await (const { retired } of one.maintenance.retireLog(request, new AbortController().signal)) {
        if (retired) await ending.down()
      }
      const generation = staying.generation
      expect([await one.answering(), await two.answering(ending.generation)]).toEqual([
        generation,
        generation,
      ])
      await expectAllKept(two)
      await server.empty()
      await one.answering(generation)
      await expectAllKept(one)
      await expectAllKept(await begin(staying))
    })

    it('goes without a log that is waived, and takes it in when it is back', async () => {
      wal = await startTestWal()
      const missing = await startTestWal()
      await missing.down()
      const one = sharedIndex([wal, missing], server.connect(), { waived: [missing.address] })
      const generation = await one.answering()
      await acknowledge(one, 'a')
      await missing.up()
      expect(await one.answering(generation)).toBe(missing.generation)
      await expectAllKept(one)
    })

    it('is compared with the marks, which changes nothing, and rebuilt from them by hand', async () => {
      wal = await startTestWal()
      const [one, two] = [await begin(wal), await begin(wal)]
      await acknowledge(one, ...names('a'))
      await followed(one)
      expect(await verified(two)).toEqual({ marks: 20, missing: [], different: [] })
      const [lost, poisoned, taken] = ['a 1', 'a 3', 'a 5'].map((name) => acknowledged.get(name))
      if (!lost || !poisoned || !taken) throw new Error('they were acknowledged')
      const other = { ...poisoned, outcome: { ...poisoned.outcome, accepted: !poisoned.outcome.accepted } }
      // Behind everybody's back: what an operator's mistake may do, and no marker shows.
      await one.store.overwriteMany([
        entryOf(lost, Date.now() - 1_000, true),
        entryOf(other, Date.now() + 3_600_000, true),
        // As of another entry, with another content, long before: by its looks it was first.
        entryOf(
          {
            ...verdictOf('a 5', { content: 'another', logId: wal.logId, sequence: 99_999 }),
            judgedAtMs: taken.judgedAtMs - 60_000,
          },
          Date.now() + 3_600_000,
          true,
        ),
      ])
      const found = {
        marks: 20,
        missing: [lost.outcome.pcsId],
        different: [poisoned.outcome.pcsId, taken.outcome.pcsId],
      }
      expect(await verified(one)).toEqual(found)
      expect(await verified(two)).toEqual(found)
      const before = await one.answering()
      const { report } = await rebuilt(two)
      expect(report).toMatchObject({ marks: 20, corrected: 2, contradictory: 0, unreadable: 0 })
      expect(await one.answering(before)).toBe(report?.generation)
      expect(await verified(one)).toEqual({ marks: 20, missing: [], different: [] })
      await expectAllKept(one)
      await expectAllKept(two)
    })

    it('is rebuilt once for all who ask meanwhile, also after the store was away', async () => {
      wal = await startTestWal()
      const process = await begin(wal)
      await acknowledge(process, ...names('a'))
      const asked = [rebuilt(process), rebuilt(process)]
      await server.controls.restart()
      const [first, second] = await Promise.all(asked)
      expect(first?.report?.generation).toBe(second?.report?.generation)
      // A server that kept nothing over its restart is filled once more.
      await vi.waitFor(
        async () => expect(await verified(process)).toMatchObject({ missing: [], different: [] }),
        { timeout: 30_000 },
      )
      await expectAllKept(process)
    })
  })
}

async function rebuilt({ maintenance }: SharedIndex): Promise<dedup.RebuildResponse> {
  let last: dedup.RebuildResponse | undefined
  for await (const response of maintenance.rebuild(new AbortController().signal)) last = response
  if (!last) throw new Error('there was no response')
  return last
}

/** The ids by what is the matter with them. */
async function verified({ maintenance }: SharedIndex) {
  const found = { marks: 0, missing: [] as string[], different: [] as string[] }
  for await (const { marks, missing, different, differences } of maintenance.verify()) {
    found.marks += marks
    for (const { kind, pcsId } of differences) {
      const list = kind === dedup.Difference_Kind.KIND_MISSING ? found.missing : found.different
      list.push(pcsId)
    }
    expect(differences.length).toBe(missing + different)
  }
  return found
}
