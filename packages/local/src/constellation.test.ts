import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { serviceNames } from '@fractal-lba/runtime'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Constellation, type ConstellationOptions, startConstellation } from './constellation.js'
import { testEnvironment } from './environment.js'
import type { ProgramName } from './layout.js'
import { survivors } from './liveness.js'
import { freePortBlock, type PortBlock } from './ports.js'

const fixture = (name: string): string => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url))
const programs = serviceNames.map((name) => ({ name, main: fixture('service.mjs') }))
const ENOUGH_MS = 30_000

let block: PortBlock
let dataDir: string
const running: Constellation[] = []
beforeEach(async () => {
  block = await freePortBlock()
  dataDir = mkdtempSync(join(tmpdir(), 'fractal-lba-constellation-'))
})
afterEach(async () => {
  await Promise.all(running.splice(0).map((constellation) => constellation.stop()))
  await block.release()
  rmSync(dataDir, { recursive: true, force: true })
})

async function start(options: Partial<ConstellationOptions> = {}): Promise<Constellation> {
  const inherit = testEnvironment()
  const constellation = await startConstellation({
    port: block.base,
    dataDir,
    supervise: true,
    cwd: tmpdir(),
    programs,
    inherit,
    ...options,
  })
  running.push(constellation)
  return constellation
}

function pidsOf(constellation: Constellation): number[] {
  return Object.values(constellation.pids())
}

describe('startConstellation', () => {
  it('starts five processes at their places and stops them', async () => {
    const constellation = await start()
    expect(Object.keys(constellation.pids())).toEqual([...serviceNames])
    expect(constellation.baseUrl).toBe(`http://127.0.0.1:${block.base}`)
    const pids = pidsOf(constellation)
    await constellation.stop()
    expect(await survivors(pids, 0)).toEqual([])
    expect(constellation.pids()).toEqual({})
  })

  it('stops the gateway first and the wal last', async () => {
    const stopping: ProgramName[] = []
    const constellation = await start({
      onLine: ({ service, text }) => {
        if (text.includes('stopping: SIGTERM')) stopping.push(service)
      },
    })
    await constellation.stop()
    expect(stopping[0]).toBe('gateway')
    expect(stopping[4]).toBe('wal')
    expect(new Set(stopping).size).toBe(5)
  })

  it('names the one that died, and brings it back', async () => {
    const events: string[] = []
    const constellation = await start({
      onEvent: (sentence) => events.push(sentence),
      backoff: { firstMs: 30, maxMs: 30, resetAfterMs: 60_000 },
    })
    const before = constellation.pids()
    await constellation.kill('dedup')
    await constellation.untilStarted('dedup')
    await constellation.untilReady()
    expect(events).toEqual(['dedup died (SIGKILL); starting it again in 30 ms', 'dedup is back'])
    expect(constellation.restarts('dedup')).toBe(1)
    expect(constellation.restarts('wal')).toBe(0)
    expect(constellation.pids()).toEqual({ ...before, dedup: constellation.pids().dedup })
    expect(constellation.pids().dedup).not.toBe(before.dedup)
  })

  it('leaves a dead one dead where nobody supervises, until it is started', async () => {
    const constellation = await start({ supervise: false })
    await constellation.kill('verifier')
    expect(constellation.pids()).not.toHaveProperty('verifier')
    await expect(constellation.untilReady(100)).rejects.toThrow(/verifier died \(SIGKILL\)/)
    constellation.start('verifier')
    await constellation.untilReady()
  })

  it('tells the mistakes of all processes, each once, and leaves nothing running', async () => {
    const born: number[] = []
    const attempt = start({
      env: { LOG_LEVEL: 'loud' },
      envOf: { wal: { FIXTURE: 'nonsense' }, verifier: { FIXTURE_NAME: 'the verifier' } },
      onLine: ({ text }) => {
        const pid = /"pid":(\d+)/.exec(text)?.[1]
        if (pid !== undefined) born.push(Number(pid))
      },
    })
    const error = await attempt.catch((reason: unknown) => reason)
    if (!(error instanceof Error)) throw new Error('it started')
    const sentences = error.message.split('\n')
    expect(sentences).toContain('the verifier cannot start with this environment:')
    expect(sentences).toContain('  - FIXTURE is not steady, crash, stubborn, degraded, unavailable')
    expect(sentences.filter((sentence) => sentence.includes('LOG_LEVEL is not'))).toHaveLength(1)
    expect(await survivors(born, 0)).toEqual([])
  })

  it('fails when a port is taken, with the sentence of the process', async () => {
    await start()
    const other = mkdtempSync(join(tmpdir(), 'fractal-lba-constellation-'))
    await expect(start({ dataDir: other })).rejects.toThrow(/cannot start: .*EADDRINUSE/)
    rmSync(other, { recursive: true })
  })

  it('fails when it is not ready in time, and says how each of them is', async () => {
    const attempt = start({
      envOf: { gateway: { FIXTURE: 'degraded' }, wal: { FIXTURE: 'crash' } },
      readyTimeoutMs: 1_500,
    })
    await expect(attempt).rejects.toThrow(
      /^it was not ready after 1\.5 s:\n {2}wal .*\n {2}verifier .*\n {2}dedup .*\n {2}signal-scoring .*\n {2}gateway /,
    )
  })

  it('fails at the first death where nobody supervises', async () => {
    const attempt = start({
      supervise: false,
      envOf: { wal: { FIXTURE: 'crash' }, gateway: { FIXTURE: 'degraded' } },
    })
    await expect(attempt).rejects.toThrow(/^wal ended with code 3 before it was ready\n/)
  })

  it('gives up when it is told to', async () => {
    const giveUp = new AbortController()
    const attempt = start({ envOf: { gateway: { FIXTURE: 'degraded' } }, signal: giveUp.signal })
    giveUp.abort()
    await expect(attempt).rejects.toThrow('the start was given up')
  })

  it('crashes as a whole and starts again on the same ports', async () => {
    const constellation = await start()
    const pids = pidsOf(constellation)
    await constellation.crash()
    expect(await survivors(pids, 0)).toEqual([])
    expect(constellation.logs('wal').join('\n')).not.toContain('stopping')
    await start()
  })

  it('keeps the lines of each process, in a file too', async () => {
    const logFile = join(dataDir, 'logs', 'all.log')
    const constellation = await start({ logFile })
    await constellation.stop()
    expect(constellation.logs('wal').join('\n')).toContain('"msg":"started"')
    expect(readFileSync(logFile, 'utf8')).toMatch(/^gateway \{.*"msg":"started"/m)
  })
})

describe('a supervisor that is killed', () => {
  it('takes its processes along', async () => {
    const supervisor = spawn(process.execPath, [fixture('supervisor.mjs'), String(block.base), dataDir], {
      env: { ...testEnvironment() },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    try {
      const pids = await firstLineOf(supervisor.stdout)
      const children = Object.values(JSON.parse(pids) as Record<string, number>)
      expect(children).toHaveLength(5)
      expect(await survivors(children, 0)).toEqual(children)
      supervisor.kill('SIGKILL')
      expect(await survivors(children, ENOUGH_MS)).toEqual([])
    } finally {
      supervisor.kill('SIGKILL')
    }
  })
})

async function firstLineOf(stream: NodeJS.ReadableStream): Promise<string> {
  for await (const line of createInterface({ input: stream })) return line
  throw new Error('it ended without a line')
}
