import { once } from 'node:events'
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { type Environment, type ServiceName, testSite } from '@fractal-lba/local'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startAlone, untilServing } from '../src/branch.js'
import { testNames } from '../src/fleet.js'
import { until } from '../src/until.js'

const ANYWHERE = { GRPC_ADDR: '127.0.0.1:0', METRICS_ADDR: '127.0.0.1:0' }
const SIGNED = { PCS_SIGN_ALG: 'hmac', PCS_HMAC_KEY: 'k' }

/** What a process says that must not start. */
async function refusal(name: ServiceName, env: Environment): Promise<string> {
  const alone = startAlone(name, { ...ANYWHERE, ...env })
  await until(`${name} has ended`, 15_000, () => alone.death() !== undefined)
  const said = alone.said.join('\n')
  expect(alone.death(), said).toMatch(/ended with code (78|69)$/)
  expect(said).not.toMatch(/\bat .*\.(js|ts):\d+/)
  return said
}

describe('a value that cannot be used is told by its name', () => {
  it.each<[ServiceName, Environment, string]>([
    ['gateway', { PORT: '70000' }, 'PORT'],
    ['gateway', { TOKEN_RATE: 'many' }, 'TOKEN_RATE'],
    ['gateway', { TOKEN_RATE: '1e3' }, 'TOKEN_RATE'],
    ['gateway', { WAL_ADDR: 'nowhere' }, 'WAL_ADDR'],
    ['gateway', { METRICS_USER: 'alone' }, 'METRICS_PASS'],
    ['wal', { METRICS_ADDR: '9082' }, 'METRICS_ADDR'],
    ['dedup', { DEDUP_BACKEND: 'mysql' }, 'DEDUP_BACKEND'],
    ['dedup', { DEDUP_MEMORY_MAX: '0' }, 'DEDUP_MEMORY_MAX'],
    ['dedup', { DEDUP_TTL: '14' }, 'DEDUP_TTL'],
    ['signal-scoring', { PCS_TOL_D: '0,15' }, 'PCS_TOL_D'],
    ['signal-scoring', { PCS_ALPHA: 'NaN' }, 'PCS_ALPHA'],
  ])('%s: %o', async (name, env, variable) => {
    expect(await refusal(name, env)).toContain(variable)
  })

  it('all of them at once', async () => {
    const said = await refusal('signal-scoring', { PCS_TOL_D: 'x', PCS_BASE: 'y', METRICS_USER: 'z' })
    for (const variable of ['PCS_TOL_D', 'PCS_BASE', 'METRICS_PASS']) expect(said).toContain(variable)
  })

  it('and a key is not told', async () => {
    const said = await refusal('verifier', { PCS_SIGN_ALG: 'ed25519', PCS_ED25519_PUB_B64: 'c2VjcmV0,x' })
    expect(said).not.toContain('c2VjcmV0')
  })
})

describe('what is not there', () => {
  it('a taken port', async () => {
    const holder = createServer()
    onTestFinished(() => void holder.close())
    await once(holder.listen(0, '127.0.0.1'), 'listening')
    const taken = holder.address()
    if (taken === null || typeof taken === 'string') throw new Error('no port was taken')
    const address = `127.0.0.1:${taken.port}`
    expect(await refusal('verifier', { ...SIGNED, METRICS_ADDR: address })).toContain(String(taken.port))
    expect(await refusal('verifier', { ...SIGNED, GRPC_ADDR: address })).toContain(String(taken.port))
  })

  it('a log that another process writes', async () => {
    const site = await testSite('two-writers')
    onTestFinished(() => site.dispose())
    const env = { WAL_DIR: join(site.dataDir, 'wal') }
    await untilServing(startAlone('wal', { ...ANYWHERE, ...env }))
    expect(await refusal('wal', env)).toContain(env.WAL_DIR)
  })

  it('a log that a process on another node writes, while that one counts on', async () => {
    const site = await testSite('two-nodes')
    onTestFinished(() => site.dispose())
    const env = { WAL_DIR: join(site.dataDir, 'wal') }
    await mkdir(env.WAL_DIR)
    let count = 0
    // In one step, as its owner writes it: a reader must never see half of it.
    const countOn = async (): Promise<void> => {
      const next = join(site.dataDir, 'next-owner')
      await writeFile(next, JSON.stringify({ hostId: 'another', host: 'node-1', count: count++ }))
      await rename(next, join(env.WAL_DIR, 'owner'))
    }
    await countOn()
    const counting = setInterval(() => void countOn(), 300)
    onTestFinished(() => clearInterval(counting))
    expect(await refusal('wal', env)).toContain('Another node (node-1) has the log')
  })

  it('a directory that cannot be made', async () => {
    expect(await refusal('wal', { WAL_DIR: '/proc/x' })).toContain('set WAL_DIR')
  })

  it('a directory that is a file', async () => {
    const site = await testSite('no-directory')
    onTestFinished(() => site.dispose())
    const file = join(site.dataDir, 'file')
    await writeFile(file, '')
    expect(await refusal('wal', { WAL_DIR: file })).toContain(file)
  })

  it('a name in WAL_ADDR that stands for several logs', async () => {
    const site = await testSite('shared-name')
    onTestFinished(() => site.dispose())
    const names = join(site.dataDir, 'names.json')
    await writeFile(names, JSON.stringify({ 'wal.test': ['127.0.0.1', '127.0.0.2'] }))
    const env = {
      ...testNames(names),
      WAL_ADDR: '127.0.0.1:1,wal.test:1',
      DEDUP_SNAPSHOT: join(site.dataDir, 'x'),
    }
    const says = 'WAL_ADDR: wal.test:1 is a name with 2 addresses: give each server a name of its own'
    expect(await refusal('gateway', env)).toContain(says)
    expect(await refusal('dedup', env)).toContain(says)
  })
})
