import { readFileSync, writeFileSync } from 'node:fs'
import { get } from 'node:https'
import { join } from 'node:path'
import { Authority } from '@fractal-lba/credentials/development'
import {
  type Constellation,
  type DevelopmentTls,
  developmentTls,
  type TestSite,
  testSite,
} from '@fractal-lba/local'
import { hmacKey } from '@fractal-lba/pcs'
import { localOpsAddress, localPlainOpsAddress } from '@fractal-lba/runtime'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { RecordMaker, textOf } from '../src/records.js'
import { runPcs } from '../src/run-pcs.js'
import { addressOf } from '../src/system.js'
import { until } from '../src/until.js'

const RELOADED_LIMIT_MS = 30_000

describe('TLS on every hop', () => {
  let site: TestSite
  let tls: DevelopmentTls
  let constellation: Constellation

  beforeAll(async () => {
    site = await testSite('tls')
    tls = await developmentTls(join(site.dataDir, 'tls'))
    const env = { TLS_RELOAD_EVERY: '200ms' }
    constellation = await site.start({ env, envOf: tls.envOf })
  })
  afterAll(() => site?.dispose())

  const records = new RecordMaker(hmacKey('a key of the tests, known to everybody'), 'tls')
  const submit = (env?: Readonly<Record<string, string>>) =>
    runPcs(['submit', '--in', '-', '--endpoint', constellation.baseUrl], {
      stdin: textOf(records.next()),
      env: env ?? { TLS_CA_FILE: tls.caFile },
    })
  const metric = async (name: string, address: string): Promise<number> => {
    const text = await (await fetch(`http://${address}/metrics`)).text()
    const line = text.split('\n').find((candidate) => candidate.startsWith(name))
    return Number(line?.split(' ').at(-1))
  }

  it('answers agents that believe its authority, and keeps its health port plain', async () => {
    expect(constellation.baseUrl).toMatch(/^https:/)
    expect(await submit()).toMatchObject({ code: 0, out: expect.stringContaining('accepted') })
    expect(await submit({})).toMatchObject({
      code: 3,
      err: expect.stringContaining('no authority that is known'),
    })
    const health = await fetch(`http://${localPlainOpsAddress(site.port)}/health`)
    expect(await health.text()).toBe('OK')
  })

  it('takes the tools by their own certificate, and nobody without one', async () => {
    const env = { WAL_ADDR: addressOf(site, 'wal') }
    const compact = ['wal', 'compact', '--dry-run']
    expect(
      await runPcs(compact, { env: { ...env, ...tls.envOf.tools } as Record<string, string> }),
    ).toMatchObject({ code: 0 })
    expect(await runPcs(compact, { env })).toMatchObject({ code: 3 })
    const asVerifier = { ...env, ...tls.envOf.verifier } as Record<string, string>
    expect(await runPcs(compact, { env: asVerifier })).toMatchObject({
      err: expect.stringContaining('certificate'),
    })
    const ops = localOpsAddress('wal', site.port)
    expect(await metric('rpc_server_callers_refused_total{caller="verifier"', ops)).toBe(1)
  })

  it('moves to another authority while it runs, past a broken pair, without a restart or a failed submission', async () => {
    const files = (name: string) => join(site.dataDir, 'tls', name)
    const roles = ['gateway', 'wal', 'verifier', 'dedup', 'signal-scoring']
    const opsOf = (role: string) =>
      role === 'gateway' ? localPlainOpsAddress(site.port) : localOpsAddress(role as 'wal', site.port)
    const everywhere = (told: string, holds: (role: string) => Promise<boolean>) =>
      until(told, RELOADED_LIMIT_MS, async () => (await Promise.all(roles.map(holds))).every(Boolean))
    const outcomes = { done: 0, failed: 0 }
    let isOver = false
    const agents = (async () => {
      while (!isOver) {
        const { code } = await submit({ TLS_CA_FILE: join(site.dataDir, 'believed.crt') })
        if (code === 0) outcomes.done += 1
        else outcomes.failed += 1
      }
    })()
    const old = readFileSync(tls.caFile, 'utf8')
    const nowMs = Date.now()
    const time = { notBefore: new Date(nowMs - 60_000), notAfter: new Date(nowMs + 5 * 86_400_000) }
    const next = await Authority.create({ name: 'next', ...time })
    const both = old + next.cert
    writeFileSync(join(site.dataDir, 'believed.crt'), both)
    // What the metrics say of a certificate that ends in five days.
    const ends = Math.floor(time.notAfter.getTime() / 1000)
    for (const role of roles) writeFileSync(files(`${role}/ca.crt`), both)
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    // A broken pair changes nothing but what is said of it.
    writeFileSync(files('wal/tls.crt'), 'broken')
    await until(
      'the wal says so',
      RELOADED_LIMIT_MS,
      async () => (await metric('tls_certificate_files_good', opsOf('wal'))) === 0,
    )
    for (const role of roles) {
      const dns = role === 'gateway' ? [role, 'localhost'] : [role]
      const pair = await next.issue({
        name: role,
        dns,
        ips: role === 'gateway' ? ['127.0.0.1'] : [],
        ...time,
      })
      writeFileSync(files(`${role}/tls.key`), pair.key)
      writeFileSync(files(`${role}/tls.crt`), pair.cert)
    }
    await everywhere(
      'all have their new certificate',
      async (role) => (await metric('tls_certificate_not_after_timestamp_seconds', opsOf(role))) === ends,
    )
    for (const role of roles) writeFileSync(files(`${role}/ca.crt`), next.cert)
    await new Promise((resolve) => setTimeout(resolve, 2_000))
    isOver = true
    await agents
    expect(outcomes.failed).toBe(0)
    expect(outcomes.done).toBeGreaterThan(3)
    const shown = await new Promise((resolve, reject) => {
      get(`${constellation.baseUrl}/health`, { ca: next.cert }, (response) =>
        resolve(response.resume().statusCode),
      ).on('error', reject)
    })
    expect(shown).toBe(200)
  })
})
