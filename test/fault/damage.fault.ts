import { open, readdir, readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Client, json } from '../src/client.js'
import { metricsOf } from '../src/metrics.js'
import { WalReader } from '../src/wal-reader.js'
import { temporaryDirectory } from './src/directory.js'
import { LoneWal } from './src/lone-wal.js'
import { segmentPaths, writtenEnd } from './src/segment-files.js'
import { WalAccount } from './src/wal-account.js'
import { checkRecovery, objections } from './src/wal-findings.js'
import { WalLoad } from './src/wal-load.js'

// Every offset and every bit is tried in the log's own tests; here, what the process makes of damage.

/** Long bodies fill several segments in a moment. */
const load = { bodyBytesMax: 20_000 }

interface Filled {
  readonly wal: LoneWal
  readonly account: WalAccount
  /** Paths of the segments, the oldest first. */
  readonly segments: readonly string[]
}

/** A log of several segments whose process was killed. */
async function filledLog(): Promise<Filled> {
  const wal = await LoneWal.at(await temporaryDirectory())
  onTestFinished(() => wal.kill())
  const account = new WalAccount()
  await wal.start()
  const callers = new WalLoad(wal.address, account, load)
  await callers.more(400)
  await callers.stop()
  await wal.kill()
  const segments = await segmentPaths(wal.directory)
  expect(segments.length).toBeGreaterThan(2)
  return { wal, account, segments }
}

/** Writes over a file's bytes. */
async function overwrite(path: string, position: number, bytes: Buffer): Promise<void> {
  const file = await open(path, 'r+')
  await file.write(bytes, 0, bytes.length, position)
  await file.close()
}

async function opsClient({ opsUrl }: LoneWal): Promise<Client> {
  const client = new Client(opsUrl)
  onTestFinished(() => client.close())
  return client
}

describe('a process that finds', () => {
  it('half a group at the end: sets it aside, counts it, and nothing acknowledged was in it', async () => {
    const { wal, account, segments } = await filledLog()
    const last = segments.at(-1) ?? ''
    const end = await writtenEnd(last)
    const torn = (await readFile(last)).subarray(end - 700, end - 200)
    await overwrite(last, end, torn)
    await wal.start()
    expect((await metricsOf(await opsClient(wal))).value('wal_torn_tails_total')).toBe(1)
    expect((await checkRecovery(wal.address, account, load)).findings).toEqual([])
    expect((await readdir(wal.directory)).filter((name) => name.includes('.torn'))).toHaveLength(1)
    await new WalLoad(wal.address, account, load).more(50)
    await wal.stop()
    expect(await objections(wal.directory)).toEqual([])
  })

  it('a flipped bit in an old segment: names it, serves the rest, and takes appends', async () => {
    const { wal, account, segments } = await filledLog()
    const old = segments[0] ?? ''
    const middle = (await readFile(old)).length >> 1
    const [byte = 0] = (await readFile(old)).subarray(middle)
    await overwrite(old, middle, Buffer.of(byte ^ 4))
    // A start takes the checkpoint of the segment; the reading behind it meets the damage, and ends the process.
    expect(await readdir(wal.directory)).toContain(basename(`${old}.checkpoint`))
    wal.begin()
    await wal.untilGone()
    expect(await readdir(wal.directory)).not.toContain(basename(`${old}.checkpoint`))
    await wal.start()
    const ops = await opsClient(wal)
    expect((await metricsOf(ops)).value('wal_quarantined_segments')).toBe(1)
    const ready = await ops.get('/ready')
    expect(ready.status).toBe(200)
    expect(json(ready)).toMatchObject({ status: 'degraded', detail: expect.stringContaining('.quarantined') })
    const reader = new WalReader(wal.address)
    onTestFinished(() => reader.close())
    expect((await reader.state()).quarantinedSegments).toHaveLength(1)

    // One record has gone; of it and of all others nothing is made up. Its mark may have been it, or its body.
    const { findings } = await checkRecovery(wal.address, account, load)
    expect(findings.length).toBeLessThanOrEqual(1)
    expect(findings.filter((finding) => !finding.endsWith('was acknowledged and is lost'))).toEqual([])
    await new WalLoad(wal.address, account, load).more(50)
    await wal.stop()
    expect(await objections(wal.directory)).toEqual([expect.stringContaining('.quarantined')])
  })
})
