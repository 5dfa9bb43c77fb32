import { setTimeout as pause } from 'node:timers/promises'
import { builtPrograms } from '@fractal-lba/local'
import { hmacKey } from '@fractal-lba/pcs'
import { imageTargets } from '@fractal-lba/test-servers'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { Client } from '../src/client.js'
import {
  builtImages,
  ContainerSystem,
  containerServices,
  ended,
  HARDENED,
  imageOf,
} from '../src/containers.js'
import { RecordMaker, textOf } from '../src/records.js'
import { until } from '../src/until.js'

const START_LIMIT_MS = 120_000
const STOP_LIMIT_MS = 20_000
const KEY = 'a throw-away key of the tests of images'
const NODE = '/nodejs/bin/node'
const EARLY = '/app/images/early-signals.mjs'
const WAIT_A_MINUTE = 'setTimeout(() => undefined, 60_000)'

interface ImageConfig {
  readonly User: string
  readonly Entrypoint: readonly string[]
  readonly Env: readonly string[]
  readonly Labels: Readonly<Record<string, string>>
}

const podman = await builtImages()
if ('missing' in podman) {
  it.skip(`the images (${podman.missing})`)
} else {
  describe.each(imageTargets)('the image %s', (target) => {
    const inspect = async (): Promise<ImageConfig> =>
      JSON.parse(await podman(['inspect', '--type=image', '--format={{json .Config}}', imageOf(target)]))
    const evaluated = (script: string) =>
      podman([
        'run',
        '--rm',
        ...HARDENED,
        '--network=none',
        `--entrypoint=${NODE}`,
        imageOf(target),
        '--eval',
        script,
      ])

    it('is run by no root, without a shell, and says what it is', async () => {
      const { User, Entrypoint, Labels } = await inspect()
      expect(User).toBe('65532:65532')
      expect(Entrypoint[0]).toBe(NODE)
      expect(Labels).toMatchObject({
        'org.opencontainers.image.title': `fractal-lba-${target}`,
        'org.opencontainers.image.licenses': 'Apache-2.0',
      })
      expect(Object.keys(Labels)).toContain('org.opencontainers.image.revision')
    })

    it('holds what runs and nothing for development', async () => {
      const script = `const list = (place) => require('node:fs').readdirSync(place, { withFileTypes: true }).flatMap((entry) =>
        entry.isDirectory() ? list(place + '/' + entry.name) : [place + '/' + entry.name])
        process.stdout.write(['/app', '/bin', '/usr/bin', '/usr/local'].filter((place) =>
          require('node:fs').existsSync(place)).flatMap(list).join('\\n'))`
      const files = (await evaluated(script)).split('\n')
      expect(files.some((file) => file.endsWith('/dist/index.js'))).toBe(true)
      expect(files.filter((file) => /\.(ts|map|test\.m?js)$/.test(file))).toEqual([])
      expect(
        files.filter((file) => /node_modules\/(typescript|vitest|@biomejs|ts-proto|@types)\//.test(file)),
      ).toEqual([])
      expect(
        files.filter((file) => /\/(src|test-servers|testing)\//.test(file.replace(/\/node_modules\/.*/, ''))),
      ).toEqual([])
      expect(files.filter((file) => /\/(sh|bash|dash|busybox|apt|dpkg|npm)$/.test(file))).toEqual([])
    })
  })

  describe('an image of a service', () => {
    it.each(builtPrograms('/app').filter(({ name }) => name !== 'one-process'))(
      'has the main of npm start: $name',
      async ({ name, main }) => {
        const image = imageOf(name as (typeof containerServices)[number])
        const entrypoint: readonly string[] = JSON.parse(
          await podman(['inspect', '--type=image', '--format={{json .Config.Entrypoint}}', image]),
        )
        expect(entrypoint).toEqual([NODE, '--import', EARLY, main])
      },
    )

    it('listens to nobody from outside unless it is told that it may', async () => {
      const { code, text } = await ended(podman, ['run', '--rm', '--network=none', imageOf('verifier')])
      expect(code).toBe(78)
      expect(text).toContain('INSECURE_LISTEN')
    })
  })

  describe('as process 1', () => {
    it.each([
      ['ends at a signal that comes before the program listens', ['--import', EARLY], 143],
      ['would ignore it without early-signals.mjs', [], undefined],
    ])('Node %s', async (_what, imports, code) => {
      const run = ['run', '--detach', `--entrypoint=${NODE}`, '--network=none', imageOf('wal')]
      const id = (await podman([...run, ...imports, '--eval', WAIT_A_MINUTE])).trim()
      onTestFinished(async () => void (await podman(['rm', '--force', '--time=0', id])))
      await pause(2_000)
      await podman(['kill', '--signal=TERM', id])
      await pause(2_000)
      const [state, exitCode] = (
        await podman(['inspect', '--format={{.State.Status}} {{.State.ExitCode}}', id])
      )
        .trim()
        .split(' ')
      expect([state, Number(exitCode)]).toEqual(code === undefined ? ['running', 0] : ['exited', code])
    })
  })

  describe('gateway and services in containers: read-only, no root, no capabilities', () => {
    let system: ContainerSystem
    let client: Client
    const records = new RecordMaker(hmacKey(KEY), 'images')

    beforeAll(async () => {
      system = await ContainerSystem.start(podman, { PCS_SIGN_ALG: 'hmac', PCS_HMAC_KEY: KEY })
      client = new Client(system.baseUrl)
    }, START_LIMIT_MS)
    afterAll(async () => {
      client?.close()
      await system?.close()
    }, START_LIMIT_MS)

    it('do what pcs check of the tools image asks', async () => {
      const { code, text } = await system.pcs('check', '--wait-ms', '60000')
      expect(code, text).toBe(0)
      expect(text).toMatch(/^ready .*\naccepted .*\nreplayed .*\nrefused .*\n$/)
    })

    it.each(containerServices)('%s is healthy and ready', async (name) => {
      expect(await system.healthy(name)).toMatchObject({ code: 0 })
      expect(await system.healthy(name, 'ready')).toMatchObject({ code: 0 })
    })

    it.each(containerServices)('%s has no rights and can write nowhere but in its data', async (name) => {
      const { text: status } = await system.node(
        name,
        "process.stdout.write(require('node:fs').readFileSync('/proc/1/status', 'utf8'))",
      )
      expect(status).toMatch(/^Uid:\s+65532\s+65532/m)
      expect(status).toMatch(/^CapEff:\s+0+$/m)
      expect(status).toMatch(/^CapBnd:\s+0+$/m)
      expect(status).toMatch(/^NoNewPrivs:\s+1$/m)
      expect((await system.node(name, "require('node:fs').writeFileSync('/app/x', '')")).text).toMatch(
        /EROFS/,
      )
    })

    it('have pcs beside the log', async () => {
      const exec = ['exec', system.container('wal'), 'pcs', 'wal', 'compact', '--dry-run']
      const { code, text } = await ended(podman, exec)
      expect(code, text).toBe(0)
      expect(text).toContain('would free')
    })

    it.each(containerServices)('go on after %s was killed, and still know what they told', async (name) => {
      const record = textOf(records.next())
      const first = await client.submit(record)
      expect(first.status).toBe(200)
      await podman(['kill', system.container(name)])
      await podman(['start', system.container(name)])
      const again = await until('the record is answered again', START_LIMIT_MS, async () => {
        try {
          const answer = await client.submit(record)
          return answer.status === 200 && answer
        } catch {
          // The gateway itself is away.
          return false
        }
      })
      expect(again.headers['idempotent-replayed']).toBe('true')
      expect(again.body.equals(first.body)).toBe(true)
      expect(await system.pcs('check', '--wait-ms', '60000')).toMatchObject({ code: 0 })
    })

    it.each([...containerServices].reverse())('%s stops by itself when it is asked to', async (name) => {
      const beganMs = performance.now()
      await podman(['stop', '--time=60', system.container(name)], { timeoutMs: START_LIMIT_MS })
      expect(performance.now() - beganMs).toBeLessThan(STOP_LIMIT_MS)
      const code = await podman(['inspect', '--format={{.State.ExitCode}}', system.container(name)])
      expect(Number(code)).toBe(0)
    })
  })
}
