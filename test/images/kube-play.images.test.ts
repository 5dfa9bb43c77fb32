import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import {
  builtGoProgram,
  helmPrograms,
  type LocalBases,
  localBases,
  type Podman,
} from '@fractal-lba/test-servers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { repositoryRoot } from '../src/branch.js'
import { builtImages, IMAGES_TAG } from '../src/containers.js'
import { PlayedRelease } from '../src/kube-play.js'
import { until } from '../src/until.js'

const START_LIMIT_MS = 180_000
const HELM_TEST = 'fractal-lba-test'
/** What no render without a cluster can generate. */
const THROW_AWAY = {
  secrets: { signing: { values: { PCS_HMAC_KEY: 'a throw-away key of the tests of images' } } },
  redis: { auth: { password: 'throw-away-of-the-tests-of-images' } },
}

/** Reasons why the default profile cannot be played here. */
async function needed(): Promise<
  | { readonly podman: Podman; readonly helm: string; readonly bases: LocalBases }
  | { readonly missing: string }
> {
  const podman = await builtImages()
  if ('missing' in podman) return podman
  const helm = builtGoProgram(helmPrograms.helm4)
  if ('missing' in helm) return helm
  const bases = await localBases(podman, (line) => process.stderr.write(`${line}\n`))
  return 'missing' in bases ? bases : { podman, helm: helm.path, bases }
}

const found = await needed()
if ('missing' in found) {
  it.skip(`the default profile by podman kube play (${found.missing})`)
} else {
  const { podman, helm, bases } = found

  describe('the default profile of the chart, played by podman', () => {
    let release: PlayedRelease

    beforeAll(async () => {
      const redis = await redisImage(podman, bases)
      release = await PlayedRelease.start(podman, await rendered(helm, redis))
    }, START_LIMIT_MS)
    afterAll(() => release?.close(), START_LIMIT_MS)

    it('does what helm test asks', async () => {
      const { code, text } = await release.job(HELM_TEST)
      expect(code, text).toBe(0)
      expect(text).toMatch(/^ready .*\naccepted .*\nreplayed .*\nrefused .*\n$/)
    })

    it('runs read-only, as no root, without rights, as it was rendered', async () => {
      expect(release.workloads).toHaveLength(6)
      const containers = release.workloads.flatMap((name) => release.containersOf(name))
      expect(containers).toHaveLength(6)
      for (const container of containers) {
        const format =
          '{{.HostConfig.ReadonlyRootfs}} {{.Config.User}} {{.EffectiveCaps}} {{.HostConfig.SecurityOpt}}'
        const { text } = await release.run('inspect', `--format=${format}`, container)
        expect(text.trim(), container).toMatch(/^true 65532:65532 \[\] \[.*no-new-privileges.*\]$/)
      }
    })

    it('goes on after each container was killed, the store too', async () => {
      for (const name of release.workloads) {
        for (const container of release.containersOf(name)) {
          await release.killAndRestart(name, container)
          // 503 for a while is what must come of it (3: try again later); anything else is none of it.
          await until(`all is well after ${name} was killed`, START_LIMIT_MS, async () => {
            const { code, text } = await release.job(HELM_TEST)
            expect([0, 3], `after ${name} was killed:\n${text}`).toContain(code)
            return code === 0
          })
        }
      }
    })
  })
}

/** Debian's Redis stands for the official image, which no registry gives here. */
async function redisImage(podman: Podman, bases: LocalBases): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'fractal-lba-redis-'))
  try {
    writeFileSync(
      join(directory, 'Dockerfile'),
      `FROM ${bases.build}
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends redis-server \\
    && install -d -o 65532 -g 65532 /data\n`,
    )
    const build = ['build', '--format=docker', '--network=host', '--tag=localhost/redis:local', directory]
    await podman(build, { timeoutMs: START_LIMIT_MS, tellsOnStdout: true })
    return 'redis:local'
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

async function rendered(helm: string, redis: string): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'fractal-lba-values-'))
  try {
    const [repository, tag] = redis.split(':')
    const values = {
      ...THROW_AWAY,
      global: { imageRegistry: 'localhost' },
      common: { image: { tag: IMAGES_TAG } },
      redis: { ...THROW_AWAY.redis, image: { repository, tag } },
    }
    const file = join(directory, 'values.yaml')
    writeFileSync(file, stringify(values))
    const chart = join(repositoryRoot, 'helm/fractal-lba')
    const args = ['template', 'fractal-lba', chart, '--values', file]
    return (await promisify(execFile)(helm, args, { maxBuffer: 16 * 1024 * 1024 })).stdout
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
