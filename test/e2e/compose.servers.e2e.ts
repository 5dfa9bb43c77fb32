import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { testSite } from '@fractal-lba/local'
import { redisMissing, startRedis } from '@fractal-lba/test-servers'
import { describe, expect, it, onTestFinished } from 'vitest'
import { parse } from 'yaml'
import { repositoryRoot } from '../src/branch.js'
import { patience } from '../src/patience.js'
import { textOf } from '../src/records.js'
import { System } from '../src/system.js'

interface ComposeService {
  readonly profiles: readonly string[]
  readonly image: string
  readonly command?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly ports: readonly string[]
  readonly volumes: readonly string[]
  readonly healthcheck: { readonly test: readonly string[] }
}

const read = (name: string): string => readFileSync(join(repositoryRoot, name), 'utf8')
const compose: {
  readonly services: Readonly<Record<string, ComposeService>>
  readonly volumes: Readonly<Record<string, null>>
} = parse(read('compose.yaml'))
const noRedis = await redisMissing()
if (noRedis !== undefined) it.skip(`the command of compose.yaml (${noRedis})`)

// There may be no Docker here: what the file says is read, and Redis is started by its command without it.
describe('compose.yaml', () => {
  it('has Redis and Postgres, each by its profile, on the loopback alone, with a volume that is declared', () => {
    expect(Object.keys(compose.services)).toEqual(['redis', 'postgres'])
    for (const [name, service] of Object.entries(compose.services)) {
      expect(service.profiles).toEqual([name])
      expect(service.image).toMatch(/^(redis:7|postgres:1[5-9])/)
      for (const port of service.ports) expect(port).toMatch(/^127\.0\.0\.1:(\d+):\1$/)
      for (const volume of service.volumes) expect(compose.volumes).toHaveProperty(volume.split(':')[0] ?? '')
      expect(service.healthcheck.test[0]).toBe('CMD')
    }
  })

  it('has the user, database and password that the README tells npm start', () => {
    const {
      POSTGRES_USER,
      POSTGRES_DB,
      POSTGRES_PASSWORD = '',
    } = compose.services.postgres?.environment ?? {}
    const password = /^\$\{POSTGRES_PASSWORD:-(.*)\}$/.exec(POSTGRES_PASSWORD)?.[1]
    const readme = read('README.md')
    expect(readme).toContain(`user=${POSTGRES_USER} dbname=${POSTGRES_DB}`)
    expect(readme).toContain(`POSTGRES_PASSWORD='${password}'`)
  })

  it.skipIf(noRedis)('starts a Redis that dedup takes', async () => {
    const [program, ...options] = compose.services.redis?.command ?? []
    expect(program).toBe('redis-server')
    const config: Record<string, string> = {}
    for (let index = 0; index < options.length; index += 2) {
      config[(options[index] ?? '').replace(/^--/, '')] = options[index + 1] ?? ''
    }
    const redis = await startRedis({ config })
    onTestFinished(() => redis.close())
    const site = await testSite('compose')
    onTestFinished(() => site.dispose())
    const env = { ...patience, DEDUP_BACKEND: 'redis', REDIS_ADDR: redis.address }
    const system = await System.start(site, 'compose', { env })
    onTestFinished(() => system.close())
    expect((await system.client.submit(textOf(system.records.next()))).status).toBe(200)
    expect(Number(await redis.cli('dbsize'))).toBeGreaterThan(1)
  })
})
