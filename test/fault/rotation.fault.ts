import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Authority } from '@fractal-lba/credentials/development'
import { testAuthority } from '@fractal-lba/credentials/testing'
import { hmacKey } from '@fractal-lba/pcs'
import { type ServiceName, serviceNames } from '@fractal-lba/runtime'
import { afterAll, expect, it } from 'vitest'
import { isLong } from '../src/long.js'
import { Metrics } from '../src/metrics.js'
import { RecordMaker, resigned, textOf } from '../src/records.js'
import { RoleCertificates } from '../src/role-certificates.js'
import { useSystemInProcess } from '../src/system.js'
import { until } from '../src/until.js'

const DAY_MS = 86_400_000
const LIMIT_MS = 30_000
const ROTATIONS = isLong ? 40 : 6
const AGENTS = 4

const certificates = new RoleCertificates()
const directory = mkdtempSync(join(tmpdir(), 'fractal-lba-rotation-'))
afterAll(() => {
  certificates.remove()
  rmSync(directory, { recursive: true })
})
const keyFile = join(directory, 'keys.json')
const writeKeys = (...keys: readonly string[]): void =>
  writeFileSync(keyFile, JSON.stringify({ keys: keys.map((key) => ({ algorithm: 'hmac', key })) }))

let authority = await testAuthority()
let key = 'a throw-away key of the tests'
certificates.believe(authority.cert)
await certificates.issue(authority)
writeKeys(key)

const system = useSystemInProcess('rotation', {
  bySockets: true,
  log: 'memory',
  env: {
    ...{ PCS_SIGN_ALG: '', PCS_HMAC_KEY: '', PCS_KEYS_FILE: keyFile, PCS_KEYS_RELOAD_EVERY: '100ms' },
    TLS_RELOAD_EVERY: '100ms',
  },
  envOf: Object.fromEntries(serviceNames.map((name) => [name, certificates.environmentOf(name)])),
})

async function metricsOf(name: ServiceName): Promise<Metrics> {
  return Metrics.parse((await system().constellation.registryOf(name)?.metrics()) ?? '')
}

/** Over a connection of its own. @returns the status, or why there is none */
function submitted(text: string, ca: string): Promise<number | string> {
  return new Promise((resolve) => {
    const headers = { 'content-type': 'application/json' }
    const url = `${system().constellation.baseUrl}/v1/pcs/submit`
    const asked = request(url, { method: 'POST', headers, ca, agent: false }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0))
    })
    asked.on('error', (error) => resolve(error.message))
    asked.end(text)
  })
}

/** How often each service has taken a new identity. */
function changes(): readonly number[] {
  const told = system().lines.filter(({ text }) => text.includes('the internal certificate is new'))
  return serviceNames.map((name) => told.filter(({ service }) => service === name).length)
}

async function everyServiceTakes(what: string, change: () => void | Promise<void>): Promise<void> {
  const before = changes()
  await change()
  await until(`every service has ${what}`, LIMIT_MS, async () =>
    changes().every((count, place) => count > (before[place] ?? 0)),
  )
}

async function verifierHas(id: string, has: boolean): Promise<void> {
  await until(
    `the verifier has ${id}: ${has}`,
    LIMIT_MS,
    async () =>
      (await metricsOf('verifier'))
        .labelsOf('verifier_key_records_total')
        .some((labels) => labels.key === id) === has,
  )
}

it('keys, certificates and authorities change under load, past a broken pair: no valid submission is refused, every connection moves', async () => {
  const answers: (number | string)[] = []
  let isOver = false
  let believed = authority.cert
  const agents = Array.from({ length: AGENTS }, async (_, agent) => {
    const records = new RecordMaker(hmacKey(key), `rotation-${agent}`)
    while (!isOver) answers.push(await submitted(textOf(resigned(records.next(), hmacKey(key))), believed))
  })
  for (let round = 1; round <= ROTATIONS; round += 1) {
    const nowMs = Date.now()
    // By its end the metrics tell a certificate of this round from those before.
    const time = { notBefore: new Date(nowMs - 60_000), notAfter: new Date(nowMs + round * DAY_MS) }
    const next = await Authority.create({ name: `authority ${round}`, ...time })
    const nextKey = `the throw-away key of round ${round}`
    const both = authority.cert + next.cert
    await everyServiceTakes('both authorities', () => certificates.believe(both))
    believed = both
    writeKeys(key, nextKey)
    await verifierHas(hmacKey(nextKey).id, true)

    const broken = serviceNames[round % serviceNames.length] ?? 'wal'
    writeFileSync(certificates.file(broken, 'tls.crt'), 'broken')
    await until(`${broken} says that its pair is broken`, LIMIT_MS, async () => {
      return (await metricsOf(broken)).value('tls_certificate_files_good', { use: 'internal' }) === 0
    })
    const oldKey = key
    key = nextKey
    await everyServiceTakes('its new certificate', () => certificates.issue(next, time))
    const endsS = Math.floor(time.notAfter.getTime() / 1000)
    for (const [server, peer] of [
      ...serviceNames.filter((name) => name !== 'gateway').map((name) => [name, 'gateway'] as const),
      ['wal', 'dedup'] as const,
    ]) {
      await until(`all connections of ${peer} with ${server} show the new one`, LIMIT_MS, async () => {
        return (await metricsOf(server)).value('tls_peer_not_after_timestamp_seconds', { peer }) === endsS
      })
    }
    await everyServiceTakes('the new authority alone', () => certificates.believe(next.cert))
    believed = next.cert
    // Who began with the old key has its answer by then.
    const seen = answers.length
    await until('agents have gone on', LIMIT_MS, async () => answers.length >= seen + 2 * AGENTS)
    writeKeys(nextKey)
    await verifierHas(hmacKey(oldKey).id, false)
    authority = next
  }
  isOver = true
  await Promise.all(agents)
  expect(answers.filter((answer) => answer !== 200)).toEqual([])
  expect(answers.length).toBeGreaterThan(ROTATIONS * AGENTS)
})
