import { cp, mkdtemp, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestSite, testSite } from '@fractal-lba/local'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Acknowledged, disagreements, Load } from '../src/load.js'
import { patience } from '../src/patience.js'
import { textOf } from '../src/records.js'
import { runPcs } from '../src/run-pcs.js'
import { System } from '../src/system.js'

const SMALL = { WAL_SEGMENT_BYTES: '1Mi', WAL_RETENTION: '1s', WAL_COMPACT_EVERY: '1s' }
const REPLAY_LIMIT_MS = 30_000

describe('a backup of the log that is made under load, while it is compacted', () => {
  let site: TestSite
  let backups: string
  let system: System
  let copied: readonly Acknowledged[]
  let later: readonly Acknowledged[]
  let head: string

  beforeAll(async () => {
    site = await testSite('backup')
    backups = await mkdtemp(join(tmpdir(), 'fractal-lba-backup-'))
    system = await System.start(site, 'backup', { env: { ...patience, ...SMALL } })
  })
  afterAll(async () => {
    system?.close()
    await site?.dispose()
    await rm(backups, { recursive: true, force: true })
  })

  const start = async (): Promise<void> => {
    system.close()
    await system.constellation.stop()
    system = await System.start(site, 'backup', { env: { ...patience, ...SMALL } })
  }

  it('is a sound log', async () => {
    const load = new Load(system.client, system.records, { concurrency: 32 })
    await load.more(800)
    copied = [...load.acknowledged]
    const args = ['wal', 'backup', '--dir', system.walDirectory, '--to', join(backups, 'copy'), '--json']
    const { code, out, err } = await runPcs(args)
    expect({ code, err }).toEqual({ code: 0, err: '' })
    const report = JSON.parse(out)
    expect(report.sound).toBe(true)
    head = report.head.chain
    const whole = load.acknowledged.length
    await load.more(300)
    await load.finish()
    expect(load.oddities).toEqual([])
    later = load.acknowledged.slice(whole)
    const verified = await runPcs(['wal', 'verify', '--dir', join(backups, 'copy'), '--head', head])
    expect({ code: verified.code, err: verified.err }).toEqual({ code: 0, err: '' })
  })

  it('restored with an index of nothing, still has every outcome that was told before it', async () => {
    await system.constellation.stop()
    await rename(site.dataDir, join(backups, 'lost'))
    await cp(join(backups, 'copy'), system.walDirectory, { recursive: true })
    await start()
    await system.wal.untilNothingOpen(REPLAY_LIMIT_MS)
    expect(await disagreements(system.client, copied)).toEqual([])
    // What came after it is as if it had never been sent: judged anew, to the same verdict.
    const [last] = later.slice(-1)
    if (!last) throw new Error('nothing was acknowledged after the backup')
    const again = await system.client.submit(textOf(last.record))
    expect([again.status, again.headers['idempotent-replayed']]).toEqual([last.status, undefined])
    expect(again.body.equals(last.body)).toBe(true)
  })

  it('restored beside an index that has seen more is noticed, and the index is filled again', async () => {
    await system.constellation.stop()
    await rm(site.dataDir, { recursive: true })
    await rename(join(backups, 'lost'), site.dataDir)
    await rm(system.walDirectory, { recursive: true })
    await cp(join(backups, 'copy'), system.walDirectory, { recursive: true })
    await start()
    await system.wal.untilNothingOpen(REPLAY_LIMIT_MS)
    expect(await disagreements(system.client, copied)).toEqual([])
    expect(system.constellation.logs('dedup').join('\n')).toContain('the index is filled')
    const answers = await Promise.all(
      later.slice(0, 20).map(({ record }) => system.client.submit(textOf(record))),
    )
    for (const [index, { status, body }] of answers.entries()) {
      expect([status, body.toString()]).toEqual([later[index]?.status, later[index]?.body.toString()])
    }
    const load = new Load(system.client, system.records, { concurrency: 16 })
    await load.more(100)
    await load.finish()
    expect(load.oddities).toEqual([])
  })
})
