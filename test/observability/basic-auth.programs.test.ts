import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { defaultRuleOptions, localScrape, startWatchers, type Watchers } from '@fractal-lba/observability'
import { builtGoProgram, observabilityPrograms } from '@fractal-lba/test-servers'
import { afterAll, describe, expect, it } from 'vitest'
import { useSystemInProcess } from '../src/system.js'
import { until } from '../src/until.js'

const USER = 'scraper'
const PASSWORD = 'only for this test'
const LIMIT_MS = 30_000
const programs = [
  observabilityPrograms.prometheus,
  observabilityPrograms.alertmanager,
  observabilityPrograms.blackboxExporter,
]
const missing = programs.flatMap((program) => {
  const found = builtGoProgram(program)
  return 'missing' in found ? [found.missing] : []
})

describe.skipIf(missing.length > 0)(`/metrics with a password ${missing.join(', ')}`, () => {
  const system = useSystemInProcess('basic-auth', { env: { METRICS_USER: USER, METRICS_PASS: PASSWORD } })
  const watching: Watchers[] = []
  afterAll(() => Promise.all(watching.map((watchers) => watchers.close())))

  async function upOf(password: string): Promise<() => Promise<Readonly<Record<string, string>>>> {
    const { site } = system()
    const userFile = join(site.dataDir, 'user')
    const passwordFile = join(site.dataDir, `password-${password.length}`)
    writeFileSync(userFile, USER)
    writeFileSync(passwordFile, password)
    const local = localScrape(site.port)
    const watchers = await startWatchers({
      rules: defaultRuleOptions,
      scrape: { ...local, targets: { ...local.targets, agent: [] }, basicAuth: { userFile, passwordFile } },
      interval: '1s',
      alertmanager: { receiver: () => ({}) },
    })
    watching.push(watchers)
    return async () => {
      const answer = await fetch(`${watchers.prometheus.url}/api/v1/query?query=up`)
      const { data } = (await answer.json()) as Answer
      return Object.fromEntries(data.result.map(({ metric, value }) => [metric.job, value[1]]))
    }
  }

  const jobs = ['gateway', 'gateway-exemplars', 'wal', 'verifier', 'dedup', 'signal-scoring', 'probe']
  const all = (value: string) => Object.fromEntries(jobs.map((job) => [`flk-${job}`, value]))

  it('is scraped by the jobs of scrape-basic-auth.yml', async () => {
    const up = await upOf(PASSWORD)
    await until('every job is up', LIMIT_MS, async () => !Object.values(await up()).includes('0'))
    await until('every job is there', LIMIT_MS, async () => Object.keys(await up()).length === jobs.length)
    expect(await up()).toEqual(all('1'))
  })

  it('is not scraped with another one', async () => {
    const up = await upOf('another')
    await until('every job was tried', LIMIT_MS, async () => Object.keys(await up()).length === jobs.length)
    // The probe asks /ready, which has none.
    expect(await up()).toEqual({ ...all('0'), 'flk-probe': '1' })
  })
})

interface Answer {
  readonly data: {
    readonly result: readonly {
      readonly metric: { readonly job: string }
      readonly value: readonly [number, string]
    }[]
  }
}
