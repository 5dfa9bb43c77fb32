import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePortBlock, testSite } from '@fractal-lba/local'
import { describe, expect, it, onTestFinished } from 'vitest'
import { repositoryRoot } from '../src/branch.js'
import { Client } from '../src/client.js'
import { disagreements, Load } from '../src/load.js'
import { isLong } from '../src/long.js'
import { isAlive, processesWith, untilGone } from '../src/processes.js'
import { seededRandom } from '../src/random.js'
import { textOf } from '../src/records.js'
import { useSystem } from '../src/system.js'
import { until } from '../src/until.js'

const GONE_LIMIT_MS = 20_000

describe('SIGTERM to the gateway', () => {
  // Longer than the first test holds a process still.
  const longPatience = { HOP_TIMEOUT: '9s', SUBMIT_TIMEOUT: '9s', STOP_GRACE: '15s' }
  const system = useSystem('shutdown', { supervise: false, env: longPatience })

  it('answers what is under way, takes nothing new, and ends', async () => {
    const { client, constellation, records } = system()
    await constellation.kill('verifier', 'SIGSTOP')
    const before = (await system().wal.state()).nextSequence
    const underWay = Promise.all(Array.from({ length: 5 }, () => client.submit(textOf(records.next()))))
    await until(
      'they are in the log',
      6_000,
      async () => (await system().wal.state()).nextSequence === before + 5,
    )
    await constellation.kill('gateway', 'SIGTERM')
    await until('no new connection is taken', 5_000, async () => {
      const late = new Client(client.baseUrl)
      const status = await late.get('/health').then(
        (answer) => answer.status,
        () => undefined,
      )
      late.close()
      return status === undefined || status === 503
    })
    await constellation.kill('verifier', 'SIGCONT')
    const answers = await underWay
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200])
    await until('the gateway has ended', GONE_LIMIT_MS, () => constellation.pids().gateway === undefined)
    expect(constellation.logs('gateway').join('\n')).not.toMatch(/"level":"(error|fatal)"/)
    constellation.start('gateway')
    await constellation.untilReady()
    expect((await system().wal.state()).openCount).toBe(0)
  })
})

describe('SIGTERM to each process', () => {
  // Shorter than patience, because each request waits for the whole of them while a process is away.
  const limits = { HOP_TIMEOUT: '3s', SUBMIT_TIMEOUT: '4s' }
  const system = useSystem('shutdown-load', { supervise: false, env: limits })

  it.each(['gateway', 'wal', 'verifier', 'dedup', 'signal-scoring'] as const)(
    '%s, under load: nothing acknowledged is lost',
    async (name) => {
      const { client, constellation, records, wal } = system()
      const load = new Load(client, records, { concurrency: 16 })
      await load.more(100)
      await constellation.kill(name, 'SIGTERM')
      await until(`${name} has ended`, GONE_LIMIT_MS, () => constellation.pids()[name] === undefined)
      constellation.start(name)
      await load.more(100)
      await load.finish()
      expect(load.oddities).toEqual([])
      await wal.untilNothingOpen(30_000)
      expect(await disagreements(client, load.acknowledged)).toEqual([])
      expect(constellation.logs(name).some((line) => /stopping: SIGTERM/.test(line))).toBe(true)
    },
  )
})

describe('stop', () => {
  it('ends every process', async () => {
    const site = await testSite('stop')
    onTestFinished(() => site.dispose())
    const constellation = await site.start()
    const pids = Object.values(constellation.pids())
    expect(pids).toHaveLength(5)
    await constellation.stop()
    for (const pid of pids) expect(await isAlive(pid)).toBe(false)
  })
})

describe('kill -9 of the parent', () => {
  const script = `
    import { startConstellation } from '@fractal-lba/local'
    const constellation = await startConstellation({
      port: Number(process.env.BASE), dataDir: process.env.DIR, supervise: true, cwd: process.cwd(),
      env: { PCS_SIGN_ALG: 'hmac', PCS_HMAC_KEY: 'k' },
    })
    console.log(JSON.stringify(constellation.pids()))
    setInterval(() => {}, 1000)
  `

  it('leaves no process behind', async () => {
    const { base, dataDir } = await place()
    const parent = spawn(process.execPath, ['--input-type=module', '--eval', script], {
      cwd: repositoryRoot,
      env: { ...process.env, BASE: String(base), DIR: dataDir },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    onTestFinished(() => void parent.kill('SIGKILL'))
    const [line] = (await once(createInterface(parent.stdout), 'line')) as [string]
    const pids = Object.values(JSON.parse(line) as Record<string, number>)
    expect(pids).toHaveLength(5)
    for (const pid of pids) expect(await isAlive(pid)).toBe(true)
    parent.kill('SIGKILL')
    await untilGone(pids, GONE_LIMIT_MS)
  })
})

describe('the end of the parent while it starts them', () => {
  const script = `
    import { startConstellation } from '@fractal-lba/local'
    await startConstellation({
      port: Number(process.env.BASE), dataDir: process.env.DIR, supervise: true, cwd: process.cwd(),
      env: { PCS_SIGN_ALG: 'hmac', PCS_HMAC_KEY: 'k', ROUND: process.env.ROUND },
    })
  `
  const random = seededRandom(20_261_121)
  const ROUNDS = isLong ? 100 : 4
  const CHILDREN = 5
  /** What a start takes from its last child on, on a machine that is not busy. */
  const REST_MS = 1_000

  it(`leaves no process behind, whenever it comes: ${ROUNDS} times`, {
    timeout: ROUNDS * GONE_LIMIT_MS,
  }, async () => {
    const { base, dataDir } = await place()
    const start = (mark: string): ChildProcess => {
      const parent = spawn(process.execPath, ['--input-type=module', '--eval', script], {
        cwd: repositoryRoot,
        env: { ...process.env, BASE: String(base), DIR: dataDir, ROUND: mark.slice('ROUND='.length) },
        stdio: 'ignore',
      })
      onTestFinished(() => void parent.kill('SIGKILL'))
      return parent
    }
    let started = 0
    for (let round = 0; round < ROUNDS; round++) {
      const mark = `ROUND=${randomUUID()}`
      const parent = start(mark)
      const ended = once(parent, 'exit')
      const children = async (): Promise<number> => (await processesWith(mark)).length - 1
      await until('some are started', GONE_LIMIT_MS, async () => {
        return (await children()) >= round % (CHILDREN + 1)
      })
      await sleep(random(REST_MS))
      started += await children()
      parent.kill(round % 2 === 0 ? 'SIGKILL' : 'SIGTERM')
      await ended
      await untilGone(await processesWith(mark), GONE_LIMIT_MS)
      // One that was just being started when the others were counted.
      await until(
        'no further one comes up',
        GONE_LIMIT_MS,
        async () => (await processesWith(mark)).length === 0,
      )
    }
    expect(started).toBeGreaterThan(ROUNDS)
  })
})

async function place(): Promise<{ base: number; dataDir: string }> {
  const block = await freePortBlock()
  const dataDir = await mkdtemp(join(tmpdir(), 'fractal-lba-test-'))
  onTestFinished(async () => {
    await block.release()
    await rm(dataDir, { recursive: true, force: true })
  })
  return { base: block.base, dataDir }
}
