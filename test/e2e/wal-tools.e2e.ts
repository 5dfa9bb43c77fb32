import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePortBlock, type TestSite, testSite } from '@fractal-lba/local'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { startAlone, untilServing } from '../src/branch.js'
import { type FailingVerifier, startFailingVerifier } from '../src/failing-verifier.js'
import { inParallel } from '../src/load.js'
import { patience } from '../src/patience.js'
import { type TestRecord, textOf } from '../src/records.js'
import { runPcs } from '../src/run-pcs.js'
import { addressOf, opsUrlOf, System } from '../src/system.js'
import { until } from '../src/until.js'

const TRIES = 5
const SET_ASIDE_LIMIT_MS = 30_000
const SMALL = { WAL_SEGMENT_BYTES: '1Mi', WAL_COMPACT_EVERY: '0s' }

describe('a submission that fails replay for a reason of its own', () => {
  let site: TestSite
  let system: System
  let failing: FailingVerifier
  let bad: TestRecord
  let worse: TestRecord

  beforeAll(async () => {
    site = await testSite('dead-letters')
    failing = await startFailingVerifier(addressOf(site, 'verifier'), (text) => text.includes('unlucky'))
    const env = { WAL_REPLAY_TRIES: String(TRIES), REPLAY_LEASE: '1s', REPLAY_POLL: '50ms', ...SMALL }
    const envOf = { gateway: { VERIFIER_ADDR: failing.address } }
    system = await System.start(site, 'dead-letters', { env, envOf })
    bad = system.records.next({ shard_id: 'unlucky-1' })
    worse = system.records.next({ shard_id: 'unlucky-2' })
  })
  afterAll(async () => {
    system?.close()
    await site?.dispose()
    await failing?.stop()
  })

  const tool = (...args: string[]) =>
    runPcs(['wal', ...args], { env: { WAL_ADDR: addressOf(site, 'wal'), WAL_DIR: system.walDirectory } })

  it('is set aside after five tries, while others pass, and survives a kill -9', async () => {
    const { client, records, wal, constellation } = system
    expect((await client.submit(textOf(bad))).status).toBe(503)
    expect((await client.submit(textOf(worse))).status).toBe(503)
    expect((await client.submit(textOf(records.next()))).status).toBe(200)
    await until('both are set aside', SET_ASIDE_LIMIT_MS, async () => {
      const { deadLetterCount, openCount } = await wal.state()
      return deadLetterCount === 2 && openCount === 0
    })
    // Each once for its agent, and then in replay.
    expect(failing.mistakes()).toBe(2 * (1 + TRIES))
    const metrics = await fetch(`${opsUrlOf(site, 'wal')}/metrics`)
    expect(await metrics.text()).toMatch(/^wal_dead_letters 2$/m)
    await constellation.kill('wal')
    await constellation.untilStarted('wal')
    expect(await wal.state()).toMatchObject({ deadLetterCount: 2, openCount: 0 })
  })

  it('is listed, with its reason', async () => {
    const { code, out, err } = await tool('replay')
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toContain('open         no submissions')
    expect(out).toMatch(/^dead letters 2$/m)
    expect(out).toMatch(/^ {2}record \d+, since 20\S+Z, after 5 tries: a mistake of the verifier$/m)
    const listed = JSON.parse((await tool('replay', '--json')).out)
    expect(listed).toMatchObject({ open: 0, dead_letters: [{ tries: TRIES }, { tries: TRIES }], driven: [] })
    const inspected = JSON.parse((await tool('inspect', '--json')).out)
    expect(inspected.dead_letters).toEqual(listed.dead_letters)
  })

  it('is set aside again when it is driven before the mistake is mended', async () => {
    const { dead_letters: letters } = JSON.parse((await tool('replay', '--json')).out)
    const driven = await tool('replay', '--drive', String(letters[0].sequence), '--wait', '--json')
    expect([driven.code, driven.err]).toEqual([1, ''])
    expect(JSON.parse(driven.out)).toMatchObject({
      driven: [letters[0].sequence],
      replayed: [],
      set_aside_again: [{ sequence: letters[0].sequence }],
      still_open: [],
    })
  })

  it('is finished when it is driven afterwards, and its agent gets the verdict', async () => {
    failing.mend()
    const { code, out, err } = await tool('replay', '--drive-all', '--wait')
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toMatch(/^dead letters none$/m)
    expect(out).toMatch(/^driven again 2: 2 done, 0 set aside again, 0 still open$/m)
    expect(out).toMatch(/^ {2}record \d+: 200$/m)
    for (const record of [bad, worse]) {
      const answer = await system.client.submit(textOf(record))
      expect([answer.status, answer.headers['idempotent-replayed']]).toEqual([200, 'true'])
    }
    expect(await tool('replay', '--drive', '1')).toMatchObject({
      code: 1,
      err: expect.stringContaining('there is no dead letter at this position'),
    })
  })

  it('is waited for when it is open', async () => {
    const { code, out } = await tool('replay', '--wait', '--json')
    expect(code).toBe(0)
    expect(JSON.parse(out)).toMatchObject({ open: 0, dead_letters: [], all_done: true })
  })
})

describe('pcs wal compact', () => {
  let site: TestSite
  let system: System

  beforeAll(async () => {
    site = await testSite('compact')
    system = await System.start(site, 'compact', { env: { ...patience, ...SMALL } })
  })
  afterAll(async () => {
    system?.close()
    await site?.dispose()
  })

  it('tells what it would free, then frees it, and the log verifies', async () => {
    const { client, wal } = system
    const refused = Array.from(
      { length: 1_000 },
      (_, number) => `{"number":${number},"long":"${'x'.repeat(2_000)}"}`,
    )
    await inParallel(refused, async (text) => {
      expect((await client.submit(text)).status).toBe(400)
    })
    await wal.untilNothingOpen(10_000)
    const env = { WAL_ADDR: addressOf(site, 'wal') }
    const tool = (...args: string[]) => runPcs(['wal', ...args], { env })

    const foretold = await tool('compact', '--dry-run')
    expect({ code: foretold.code, err: foretold.err }).toEqual({ code: 0, err: '' })
    const bytes = Number(/^would free (\d+) bytes$/m.exec(foretold.out)?.[1])
    expect(bytes).toBeGreaterThan(500_000)
    const before = (await wal.state()).logBytes
    const done = await tool('compact', '--json')
    expect({ code: done.code, err: done.err }).toEqual({ code: 0, err: '' })
    const report = JSON.parse(done.out)
    expect(report).toMatchObject({
      dry_run: false,
      freed_bytes: bytes,
      obstacle: null,
      limit_exceeded: false,
    })
    expect(report.log_bytes).toBe(before - bytes)
    expect((await wal.state()).logBytes).toBe(before - bytes)

    const verified = await tool(
      'verify',
      '--dir',
      system.walDirectory,
      '--head',
      (await wal.state()).headChain,
    )
    expect({ code: verified.code, err: verified.err }).toEqual({ code: 0, err: '' })
    expect(verified.out).toMatch(/without their bodies: sound$/m)
    const metrics = await (await fetch(`${opsUrlOf(site, 'wal')}/metrics`)).text()
    const head = Number(/^wal_head_chain (\d+)$/m.exec(metrics)?.[1])
      .toString(16)
      .padStart(12, '0')
    expect((await wal.state()).headChain.slice(0, 12)).toBe(head)
    expect((await tool('verify', '--dir', system.walDirectory, '--head', head)).code).toBe(0)
  })
})

describe('pcs wal compact and replay of a log by itself', () => {
  /** A wal service alone, on the directory of an empty log. */
  async function startWal(env: Readonly<Record<string, string>>): Promise<string> {
    const block = await freePortBlock()
    const directory = await mkdtemp(join(tmpdir(), 'fractal-lba-wal-'))
    onTestFinished(async () => {
      await block.release()
      await rm(directory, { recursive: true, force: true })
    })
    const place = { GRPC_ADDR: addressOf({ port: block.base }, 'wal'), WAL_DIR: directory }
    await untilServing(
      startAlone('wal', { ...place, METRICS_ADDR: `127.0.0.1:${block.base + 1002}`, ...SMALL, ...env }),
    )
    return place.GRPC_ADDR
  }

  it('says what must be kept when that is too long', async () => {
    const address = await startWal({ WAL_BYTES_MAX: '1Ki' })
    const { code, out, err } = await runPcs(['wal', 'compact', '--addr', address])
    expect(code).toBe(1)
    expect(out).toMatch(/^freed +0 bytes$/m)
    expect(err).toContain(`${address}: what must be kept is longer than WAL_BYTES_MAX`)
    const report = JSON.parse((await runPcs(['wal', 'compact', '--json', '--addr', address])).out)
    expect(report).toMatchObject({ limit_exceeded: true, obstacle: null })
  })

  it('asks several logs', async () => {
    const addresses = [await startWal({}), await startWal({})]
    const { code, out } = await runPcs(['wal', 'replay', '--json'], { env: { WAL_ADDR: addresses.join() } })
    const logs = out.trim().split('\n')
    expect([code, logs.map((line) => JSON.parse(line).address)]).toEqual([0, addresses])
    const one = await runPcs(['wal', 'replay', '--drive', '1'], { env: { WAL_ADDR: addresses.join() } })
    expect([one.code, one.err]).toEqual([2, expect.stringContaining('say which with --addr')])
  })
})
