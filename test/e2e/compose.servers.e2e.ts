import { existsSync, readFileSync } from 'node:fs'
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
  readonly profiles?: readonly string[]
  readonly image?: string
  readonly build?: { readonly target: string }
  readonly extends?: { readonly file: string; readonly service: string }
  readonly command?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly ports?: readonly string[]
  readonly volumes?: readonly string[]
  readonly read_only?: boolean
  readonly cap_drop?: readonly string[]
  readonly security_opt?: readonly string[]
  readonly healthcheck?: { readonly test: readonly string[] }
}

interface ComposeFile {
  readonly services: Readonly<Record<string, ComposeService>>
  readonly volumes: Readonly<Record<string, null>>
}

const stores = ['redis', 'postgres']
const read = (name: string): string => readFileSync(join(repositoryRoot, name), 'utf8')
const composeFile = (name: string): ComposeFile => parse(read(name), { merge: true })
const compose = composeFile('compose.yaml')
const files = ['compose.yaml', 'compose.full.yaml'].map((name) => ({ name, ...composeFile(name) }))
const noRedis = await redisMissing()
if (noRedis !== undefined) it.skip(`the command of compose.yaml (${noRedis})`)

// There may be no Docker here: what the files say is read, and Redis is started by its command without it. The quick
// one is run with real containers by npm run test:images.
describe.each(files)('$name', ({ services, volumes }) => {
  it.each(Object.entries(services))('%s is reached from this machine alone', (_name, { ports = [] }) => {
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:(\d+:\d+|\$\{\w+:-(\d+)\}:\d+)$/)
  })

  it.each(Object.entries(services))('%s mounts what is there', (_name, service) => {
    const mounted = [service, extended(service)].flatMap(({ volumes: all = [] }) => all)
    for (const volume of mounted) {
      const [source = ''] = volume.split(':')
      if (source.startsWith('./')) expect(existsSync(join(repositoryRoot, source)), source).toBe(true)
      else expect(volumes).toHaveProperty(source)
    }
  })

  it.each(Object.entries(services))(
    '%s has an image with a version, and needs no shell to be asked',
    (_name, service) => {
      const { image = '', healthcheck } = { ...extended(service), ...service }
      expect(image).toMatch(/:(\$\{IMAGE_TAG:-local\}|v?\d+(\.\d+)*(-alpine)?)$/)
      if (healthcheck) expect(healthcheck.test[0]).toBe('CMD')
    },
  )
})

function extended({ extends: other }: ComposeService): ComposeService {
  return other === undefined ? {} : (composeFile(other.file).services[other.service] ?? {})
}

describe('compose.yaml', () => {
  it('has the stores by their profiles', () => {
    for (const name of stores) expect(compose.services[name]?.profiles).toEqual([name])
    expect(compose.services.redis?.image).toMatch(/^redis:7/)
    expect(compose.services.postgres?.image).toMatch(/^postgres:1[5-9]/)
  })

  const own = Object.entries(compose.services).filter(([name]) => !stores.includes(name))
  it.each(own)('%s has no rights and writes nowhere but in its data', (_name, service) => {
    expect(service).toMatchObject({
      read_only: true,
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
    })
    expect(service.build?.target).toBeDefined()
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
    expect(compose.services.dedup?.environment).toMatchObject({
      POSTGRES_CONN: `host=postgres user=${POSTGRES_USER} dbname=${POSTGRES_DB}`,
      POSTGRES_PASSWORD,
    })
  })

  it('has the throw-away keys of the golden records', () => {
    const keys: Record<'hmac' | 'ed25519', Record<string, string>> = JSON.parse(
      read('test/golden/throw-away-keys.json'),
    )
    const { verifier, agent, check } = compose.services
    for (const [name, value] of Object.entries({ ...keys.ed25519, ...keys.hmac })) {
      const given = `\${${name}:-${value}}`
      const isPrivate = name === 'PCS_ED25519_PRIV_B64'
      expect([verifier?.environment?.[name], agent?.environment?.[name], check?.environment?.[name]]).toEqual(
        name === 'PCS_ED25519_PUB_B64'
          ? [given, undefined, undefined]
          : [isPrivate ? undefined : given, given, given],
      )
    }
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
