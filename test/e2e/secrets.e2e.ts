import { readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { get, request } from 'node:https'
import { join } from 'node:path'
import { startInProcess } from '@fractal-lba/constellation'
import {
  type Constellation,
  developmentTls,
  type Environment,
  type TestSite,
  testSite,
} from '@fractal-lba/local'
import { hmacKey } from '@fractal-lba/pcs'
import { localOpsAddress, localPlainOpsAddress } from '@fractal-lba/runtime'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { startAlone } from '../src/branch.js'
import { Collector } from '../src/collector.js'
import { filesBelow, leaks, type SeenText, shownOf } from '../src/planted.js'
import { RecordMaker, textOf, twinOf } from '../src/records.js'
import { runPcs } from '../src/run-pcs.js'
import { until } from '../src/until.js'

const SERVICES = ['gateway', 'wal', 'verifier', 'dedup', 'signal-scoring'] as const

/** Throw-away: made for this test, and of no use anywhere. */
const planted = {
  'the HMAC key': 'planted hmac key "4f1c" of PCS_HMAC_KEY',
  'the old HMAC key': 'planted-hmac-key-of-PCS_HMAC_KEY_OLD-88d0',
  'the HMAC key of the key file': 'planted-hmac-key-of-PCS_KEYS_FILE-17aa',
  'the private key of an agent': Buffer.from('planted-ed25519-seed-of-an-agent').toString('base64'),
  'the password of /metrics': 'planted:password of /metrics 9e21',
  'a wrong password of /metrics': 'planted-wrong-password-of-metrics-3b',
  'the header for the collector': 'planted-token-for-the-collector-70fe',
  'the password of Postgres': 'planted-password-of-postgres-5521',
  'the password of Redis': 'planted-password-of-redis-c0de',
  'the password in a URL': 'planted-password-in-a-url-66b1',
}
const METRICS_USER = 'planted-user'

describe('secrets, after an end-to-end run over five processes with TLS at the lowest level of lines', () => {
  let site: TestSite
  let collector: Collector
  let constellation: Constellation
  const seen: SeenText[] = []
  const keys: Record<string, string> = {}

  beforeAll(async () => {
    site = await testSite('secrets')
    collector = await Collector.start()
    const tls = await developmentTls(join(site.dataDir, 'tls'))
    for (const role of SERVICES)
      keys[`the TLS key of ${role}`] = middleOf(join(site.dataDir, 'tls', role, 'tls.key'))
    const keysFile = join(site.dataDir, 'keys.yaml')
    await writeFile(
      keysFile,
      `keys:\n  - algorithm: hmac\n    key: ${planted['the HMAC key of the key file']}\n`,
    )
    const env = {
      LOG_LEVEL: 'trace',
      PCS_HMAC_KEY: planted['the HMAC key'],
      PCS_HMAC_KEY_OLD: planted['the old HMAC key'],
      PCS_KEYS_FILE: keysFile,
      PCS_KEYS_RELOAD_EVERY: '100ms',
      METRICS_USER,
      METRICS_PASS: planted['the password of /metrics'],
      POSTGRES_PASSWORD: planted['the password of Postgres'],
      POSTGRES_CONN: `postgresql://dedup:${planted['the password in a URL']}@127.0.0.1/dedup`,
      REDIS_PASSWORD: planted['the password of Redis'],
      ...collector.environment('http/json'),
      OTEL_EXPORTER_OTLP_HEADERS: `authorization=${planted['the header for the collector']}`,
    }
    constellation = await site.start({
      ...{ env, envOf: tls.envOf },
      onLine: ({ service, text }) => seen.push({ where: `a line of ${service}`, text }),
    })
    await work(join(site.dataDir, 'tls', 'ca.crt'), keysFile)
  }, 90_000)
  afterAll(async () => {
    await site?.dispose()
    await collector?.stop()
  })

  it('are in no line, answer, span, metric, command line or file', async () => {
    expect(seen.filter(({ where }) => where.startsWith('a line of')).length).toBeGreaterThan(20)
    expect(seen.filter(({ where }) => where.startsWith('the answer')).length).toBeGreaterThan(8)
    expect(collector.spans.length).toBeGreaterThan(10)
    seen.push({ where: 'the spans', text: JSON.stringify(collector.spans) })
    for (const pid of Object.values(constellation.pids())) seen.push(...(await shownOf(pid ?? 0)))
    const isKey = (path: string): boolean => path.endsWith('tls.key') || path.endsWith('keys.yaml')
    seen.push(...(await filesBelow(site.dataDir, isKey)))
    expect(leaks({ ...planted, ...keys }, seen)).toEqual([])
  })

  it('would be found: this test can see one', () => {
    const secret = planted['the password of /metrics']
    const coded = Buffer.from(`${METRICS_USER}:${secret}`).toString('base64')
    const texts = [
      `authorization: Basic ${coded}`,
      JSON.stringify({ password: secret }),
      `hmac/${planted['the HMAC key']}`,
    ]
    for (const text of texts) expect(leaks(planted, [{ where: 'a line', text }]), text).not.toEqual([])
  })

  it('are in no core file and no report: no process is told to leave one', async () => {
    const own = softCoreLimit(readFileSync('/proc/self/limits', 'utf8'))
    for (const pid of Object.values(constellation.pids())) {
      expect(softCoreLimit(readFileSync(`/proc/${pid}/limits`, 'utf8'))).toBe(own)
      const [command] = await shownOf(pid ?? 0)
      expect(command?.text).not.toMatch(/--(report|abort-on|heapsnapshot|heap-prof|inspect)/)
    }
  })

  /** All kinds of answers, and the ones that are about secrets. */
  async function work(caFile: string, keysFile: string): Promise<void> {
    const ca = readFileSync(caFile)
    const { port } = site
    const ask = async (
      path: string,
      { body, authorization }: { body?: string; authorization?: string } = {},
    ) => {
      const text = await asked({ port, ca, path, body, authorization })
      seen.push({ where: `the answer of ${path}`, text })
      return text
    }
    const records = new RecordMaker(hmacKey(planted['the HMAC key']), 'secrets')
    const foreign = new RecordMaker(hmacKey('a key that nobody has here'), 'foreign')
    const record = records.next()
    expect(await ask('/v1/pcs/submit', { body: textOf(record) })).toContain('"accepted":true')
    const others = [
      textOf(record),
      textOf(twinOf(record)),
      textOf(foreign.next()),
      '{"sig":',
      textOf(records.next({ r: 2 })),
    ]
    for (const body of others) await ask('/v1/pcs/submit', { body })
    await ask(`/v1/pcs/${record.pcs_id}`)
    for (const path of ['/ready', '/health', '/openapi.json', '/', '/metrics', '/nothing']) await ask(path)
    const basic = (password: string): string =>
      `Basic ${Buffer.from(`${METRICS_USER}:${password}`).toString('base64')}`
    await ask('/metrics', { authorization: basic(planted['a wrong password of /metrics']) })
    const authorization = basic(planted['the password of /metrics'])
    for (const path of ['/metrics', '/']) expect(await ask(path, { authorization })).toContain(' 200 ')
    const opsOf = (name: (typeof SERVICES)[number]) =>
      name === 'gateway' ? localPlainOpsAddress(port) : localOpsAddress(name, port)
    for (const name of SERVICES) {
      for (const path of ['metrics', 'ready']) {
        const answer = await fetch(`http://${opsOf(name)}/${path}`, { headers: { authorization } })
        expect(answer.status).toBe(200)
        seen.push({ where: `the answer of /${path} of ${name}`, text: await answer.text() })
      }
    }
    // A key file that breaks while it is in use is told of, with the reason.
    await writeFile(
      keysFile,
      `keys:\n  - algorithm: hmac\n    kee: ${planted['the HMAC key of the key file']}\n`,
    )
    await until('the broken key file is told of', 10_000, () =>
      seen.some(({ where, text }) => where === 'a line of verifier' && text.includes('keys.yaml')),
    )
    const env = {
      ...{ ENDPOINT: constellation.baseUrl, TLS_CA_FILE: caFile, PCS_SIGN_ALG: 'ed25519', PCS_DEBUG: '1' },
      PCS_ED25519_PRIV_B64: planted['the private key of an agent'],
    }
    const csv = 'timestamp,x,y,z\n0,1,2,3\n1,2,3,5\n2,4,1,1\n'
    for (const [args, stdin] of [
      [['build', '--csv', '-', '--shard', 'a', '--epoch', '1', '--seed', '1'], csv],
      [['sign', '--in', '-'], textOf(record)],
      [['submit', '--in', '-'], textOf(record)],
      [['verify', '--in', '-'], textOf(record)],
    ] as const) {
      const { out, err } = await runPcs(args, { env, stdin })
      seen.push({ where: `pcs ${args[0]}`, text: out + err })
    }
    await until('spans have come', 10_000, () => collector.spans.length > 10)
  }
})

describe('a start that fails tells no secret', () => {
  const url = (scheme: string): string =>
    `${scheme}://dedup:${planted['the password in a URL']}@127.0.0.1:1/x`

  it.each<[string, Environment]>([
    [
      'keys that are none',
      {
        PCS_SIGN_ALG: 'ed25519',
        PCS_ED25519_PUB_B64: planted['the private key of an agent'] + planted['the HMAC key'],
      },
    ],
    ['an algorithm that is none', { PCS_SIGN_ALG: planted['the HMAC key'] }],
    ['a key in a list with an empty one', { PCS_HMAC_KEYS: `${planted['the HMAC key']},,` }],
    ['a key file that is a key', { PCS_KEYS_FILE: planted['the HMAC key of the key file'] }],
    ['half of a password', { METRICS_PASS: planted['the password of /metrics'] }],
    [
      'a URL of Postgres that is none',
      { DEDUP_BACKEND: 'postgres', POSTGRES_CONN: `${url('postgresql')}?sslmode=x&%` },
    ],
    [
      'settings of Postgres that are none',
      { DEDUP_BACKEND: 'postgres', POSTGRES_CONN: `password=${planted['the password of Postgres']} user='` },
    ],
    [
      'two passwords of Postgres',
      {
        DEDUP_BACKEND: 'postgres',
        POSTGRES_CONN: url('postgres'),
        POSTGRES_PASSWORD: planted['the password of Postgres'],
        DEDUP_TTL: 'x',
      },
    ],
    ['a URL of Redis that is none', { DEDUP_BACKEND: 'redis', REDIS_ADDR: `${url('redis')}:x` }],
    [
      'an address of Redis that is none',
      { DEDUP_BACKEND: 'redis', REDIS_ADDR: `user:${planted['the password of Redis']}@host` },
    ],
    [
      'headers that are none',
      {
        OTEL_EXPORTER_OTLP_ENDPOINT: 'x',
        OTEL_EXPORTER_OTLP_HEADERS: planted['the header for the collector'],
      },
    ],
    [
      'a key where the name of its file is due',
      {
        TLS_ENABLED: 'true',
        TLS_CERT_FILE: planted['the HMAC key'],
        TLS_CA_FILE: 'x',
        TLS_KEY_FILE: planted['the private key of an agent'],
      },
    ],
  ])('%s', async (_name, env) => {
    const site = await testSite('secrets-start')
    onTestFinished(() => site.dispose())
    const lines: SeenText[] = []
    const starting = startInProcess({
      ...site.layers({ env: { ...env } }),
      ...{ port: site.port, dataDir: site.dataDir, readyTimeoutMs: 1_000 },
      onLine: (service, text) => lines.push({ where: `a line of ${service}`, text }),
      onFatal: (service, error) => lines.push({ where: `the end of ${service}`, text: String(error) }),
    })
    const failure = await starting.then(
      (started) => started.stop().then(() => undefined),
      (error: unknown) => error,
    )
    expect(failure, 'it was to fail').toBeInstanceOf(Error)
    expect(
      leaks(planted, [...lines, { where: 'the sentence', text: `${failure} ${(failure as Error).stack}` }]),
    ).toEqual([])
  })

  it.each<[string, Environment]>([
    ['Postgres', { DEDUP_BACKEND: 'postgres', POSTGRES_CONN: url('postgresql') }],
    ['Redis', { DEDUP_BACKEND: 'redis', REDIS_ADDR: url('redis') }],
  ])('nor does dedup while %s cannot be reached', async (_name, env) => {
    const site = await testSite('secrets-store')
    onTestFinished(() => site.dispose())
    await mkdir(site.dataDir, { recursive: true })
    const dedup = startAlone('dedup', {
      ...{
        GRPC_ADDR: `127.0.0.1:${site.port}`,
        METRICS_ADDR: `127.0.0.1:${site.port + 1}`,
        LOG_LEVEL: 'trace',
      },
      ...env,
    })
    await until('it says so', 20_000, () => dedup.said.length > 1)
    const ready = await fetch(`http://127.0.0.1:${site.port + 1}/ready`).then(
      (answer) => answer.text(),
      String,
    )
    const texts = [...dedup.said, ready].map((text) => ({ where: 'what it says', text }))
    expect(leaks(planted, texts)).toEqual([])
  })
})

/** A part of a PEM's content that occurs nowhere else. */
function middleOf(path: string): string {
  return readFileSync(path, 'utf8').split('\n')[1]?.slice(8, 56) ?? ''
}

function softCoreLimit(limits: string): string | undefined {
  return /^Max core file size +(\S+)/m.exec(limits)?.[1]
}

interface Asked {
  readonly port: number
  readonly ca: Buffer
  readonly path: string
  readonly body: string | undefined
  readonly authorization: string | undefined
}

/** Status, headers and body, as one text. */
function asked({ port, ca, path, body, authorization }: Asked): Promise<string> {
  const headers = {
    ...(authorization === undefined ? {} : { authorization }),
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
  }
  const options = { host: '127.0.0.1', port, ca, path, headers, method: body === undefined ? 'GET' : 'POST' }
  return new Promise((resolve, reject) => {
    const sent = (body === undefined ? get : request)(options, (answer) => {
      let text = `HTTP/1.1 ${answer.statusCode} ${JSON.stringify(answer.headers)}`
      answer.setEncoding('utf8').on('data', (part: string) => {
        text += part
      })
      answer.on('end', () => resolve(text))
    })
    sent.on('error', reject)
    sent.end(body)
  })
}
