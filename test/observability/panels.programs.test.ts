import { spawn } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { developmentTls } from '@fractal-lba/local'
import { defaultRuleOptions, localScrape, startWatchers, type Watchers } from '@fractal-lba/observability'
import { builtGoProgram, freePort, observabilityPrograms } from '@fractal-lba/test-servers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { repositoryRoot } from '../src/branch.js'
import { exemplarTraces, panelQueries, untilData } from '../src/panel-queries.js'
import { textOf, twinOf } from '../src/records.js'
import { runbookCommands, runCommands } from '../src/runbook-commands.js'
import { useSystem } from '../src/system.js'
import { until } from '../src/until.js'

const START_LIMIT_MS = 60_000
/** Enough for the longest rate of a panel, and for an agent that takes its file. */
const DATA_LIMIT_MS = 30_000
const PAUSE_MS = 40
/** A query that picks what is wrong has no result while nothing is. */
const MAY_BE_EMPTY = / (?:==|[<>]) \d|code="internal"|offset 1h/
const SAMPLED = '01'
const DAY_MS = 86_400_000
/** The site's own, which its records are signed with. */
const SITE_KEY = 'a key of the tests, known to everybody'

const { prometheus, alertmanager, blackboxExporter } = observabilityPrograms
const missing = [prometheus, alertmanager, blackboxExporter]
  .map((program) => builtGoProgram(program))
  .flatMap((found) => ('missing' in found ? [found.missing] : []))
const title = ['a Prometheus beside the product under load', ...missing].join(', ')

describe.skipIf(missing.length > 0)(title, () => {
  const keyFile = join(mkdtempSync(join(tmpdir(), 'fractal-lba-panels-')), 'keys.yaml')
  const notAfter = new Date(Date.now() + DAY_MS).toISOString()
  writeFileSync(
    keyFile,
    JSON.stringify({ keys: [{ algorithm: 'hmac', key: SITE_KEY, not_after: notAfter }] }),
  )
  const system = useSystem('panels', { env: { PCS_KEYS_FILE: keyFile } })
  const stopping = new AbortController()
  let watchers: Watchers | undefined
  let traffic: Promise<void> | undefined

  beforeAll(async () => {
    const agentPort = await freePort()
    startAgent(agentPort)
    const secured = await startWithTls()
    const local = localScrape(system().site.port)
    watchers = await startWatchers({
      rules: defaultRuleOptions,
      scrape: {
        ...local,
        targets: {
          ...local.targets,
          verifier: [...local.targets.verifier, secured],
          agent: [`127.0.0.1:${agentPort}`],
        },
      },
      interval: '1s',
      alertmanager: { receiver: () => ({}) },
    })
    traffic = sendAll()
  }, START_LIMIT_MS)

  afterAll(async () => {
    stopping.abort()
    await traffic
    await watchers?.close()
    rmSync(dirname(keyFile), { recursive: true, force: true })
  }, START_LIMIT_MS)

  /** With one file to ship. */
  function startAgent(port: number): void {
    const { site, constellation } = system()
    const [watched, outbox] = [join(site.dataDir, 'watched'), join(site.dataDir, 'outbox')]
    mkdirSync(watched)
    copyFileSync(join(repositoryRoot, 'test/golden/mixed-walk.csv'), join(watched, 'walk.1.csv'))
    const program = join(repositoryRoot, 'packages/cli/bin/pcs.js')
    const args = ['agent', 'run', '--watch', watched, '--outbox', outbox, '--settle-ms', '100']
    spawn(process.execPath, [program, ...args], {
      env: {
        ...{ PATH: process.env.PATH, ENDPOINT: constellation.baseUrl, METRICS_ADDR: `127.0.0.1:${port}` },
        ...{ PCS_SIGN_ALG: 'hmac', PCS_HMAC_KEY: site.hmacKey },
      },
      stdio: 'ignore',
      signal: stopping.signal,
    }).on('error', () => undefined)
  }

  /** A verifier that nobody calls, for what is measured with TLS alone. @returns where its metrics are */
  async function startWithTls(): Promise<string> {
    const { site } = system()
    const { envOf } = await developmentTls(join(site.dataDir, 'tls'))
    const [port, opsPort] = [await freePort(), await freePort()]
    const program = join(repositoryRoot, 'services/verifier/dist/main.js')
    spawn(process.execPath, [program], {
      env: {
        ...{ PATH: process.env.PATH, GRPC_ADDR: `127.0.0.1:${port}`, METRICS_ADDR: `127.0.0.1:${opsPort}` },
        ...{ PCS_KEYS_FILE: keyFile, ...envOf.verifier },
      },
      stdio: 'ignore',
      signal: stopping.signal,
    }).on('error', () => undefined)
    return `127.0.0.1:${opsPort}`
  }

  /** Some of every answer, until the end; each is traced. */
  async function sendAll(): Promise<void> {
    const { client, records } = system()
    for (let sent = 0; !stopping.signal.aborted; sent++) {
      const record = records.next()
      for (const one of [
        record,
        record,
        twinOf(record),
        { ...records.next(), D_hat: 1 },
        records.next({ budget: 0.9 }),
      ]) {
        const traceparent = `00-${String(sent + 1).padStart(32, '0')}-00000000000000ab-${SAMPLED}`
        await client.submit(textOf(one), { traceparent })
      }
      await sleep(PAUSE_MS)
    }
  }

  it.concurrent.each(panelQueries())(
    '$title',
    async (queries) => {
      const url = watchers?.prometheus.url ?? ''
      await untilData(url, queries, DATA_LIMIT_MS)
      if (queries.hasExemplars) expect(await exemplarTraces(url, queries.oneOf[0] ?? '')).not.toEqual([])
    },
    2 * DATA_LIMIT_MS,
  )

  // Addresses, and the function that the queries are asked by.
  const prelude = runbookCommands('run').find(({ runbook }) => runbook === 'README.md')?.text ?? ''
  const lines = runbookCommands('prometheus').flatMap(({ runbook, text }) =>
    text
      .trim()
      .split('\n')
      .map((line) => ({ runbook, line })),
  )
  it.concurrent.each(lines)('$runbook: $line', async ({ line }) => {
    const env = { PROMETHEUS: watchers?.prometheus.url ?? '' }
    await until('there are data', DATA_LIMIT_MS, async () => {
      const { code, output } = await runCommands(`${prelude}\n${line}`, env, '/usr/bin')
      expect(code, output).toBe(0)
      return MAY_BE_EMPTY.test(line) || /^[-+\d.]/m.test(output)
    })
  })
})
