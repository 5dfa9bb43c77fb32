import { randomUUID } from 'node:crypto'
import { existsSync, rmSync } from 'node:fs'
import { join, relative } from 'node:path'
import { endWithParent } from './lib/run.mjs'
import { NotReady, ready, root } from './ready.mjs'
import { TEST_HELP, wantedOf } from './test/arguments.mjs'
import { endMarked, leftovers } from './test/leftovers.mjs'
import { Report } from './test/report.mjs'
import { runVitest } from './test/vitest-run.mjs'

const UNIT_LIMIT_MS = 12 * 60_000
const E2E_LIMIT_MS = 12 * 60_000
const SERVERS_LIMIT_MS = 12 * 60_000
const OBSERVABILITY_LIMIT_MS = 12 * 60_000
const IMAGES_LIMIT_MS = 20 * 60_000
const FAULT_LIMIT_MS = 20 * 60_000
const LONG_LIMIT_MS = 12 * 60 * 60_000

const say = (/** @type {string} */ line) => process.stdout.write(`${line}\n`)
const wanted = asked()
const mark = randomUUID()
endWithParent(() => endMarked(mark))
const report = new Report(say)
const logDir = join(root, 'test-results', mark)

if (await built()) {
  if (wanted.checks) {
    // Not before: they need packages that a fresh clone does not have.
    const { checks } = await import('./test/checks.mjs')
    for (const { name, mistake } of checks(root)) await report.check(name, mistake)
  }
  if (wanted.unit) await vitest('unit tests', 'vitest.config.ts', UNIT_LIMIT_MS)
  if (wanted.e2e) await vitest('end-to-end tests', 'vitest.e2e.config.ts', E2E_LIMIT_MS)
  if (wanted.servers) {
    await vitest(
      'tests that need an installed Redis or Postgres',
      'vitest.servers.config.ts',
      SERVERS_LIMIT_MS,
    )
  }
  if (wanted.observability) await observability()
  if (wanted.images) await images()
  if (wanted.fault) await vitest('fault tests', 'vitest.fault.config.ts', FAULT_LIMIT_MS)
  if (wanted.unit || wanted.e2e || wanted.servers || wanted.observability || wanted.images || wanted.fault)
    await nothingLeft()
}
if (!report.hasFailed) rmSync(logDir, { recursive: true, force: true })
else if (existsSync(logDir)) say(`what the processes wrote: ${relative(root, logDir)}`)
process.exit(report.close())

function asked() {
  const understood = wantedOf(process.argv.slice(2))
  if (typeof understood === 'string') {
    say(understood)
    process.exit(2)
  }
  if (understood.help) {
    process.stdout.write(TEST_HELP)
    process.exit()
  }
  return understood
}

/** Without a build there is nothing that could be checked. */
async function built() {
  return report.check('install and build', async () => {
    try {
      await ready(say)
      return undefined
    } catch (error) {
      if (error instanceof NotReady) return error.message
      throw error
    }
  })
}

/**
 * @param {string} name
 * @param {string} config
 * @param {number} limitMs
 */
async function vitest(name, config, limitMs) {
  const options = {
    config,
    args: wanted.vitestArgs,
    mark,
    logDir,
    isLong: wanted.long,
    limitMs: wanted.long ? LONG_LIMIT_MS : limitMs,
  }
  await report.tests(name, wanted.all, () => runVitest(root, options))
}

/** Its programs are built first, where there is a Go; tests of one that is missing are skipped and say so. */
async function observability() {
  const { goProgram, loadPrograms, observabilityPrograms } = await import('@fractal-lba/test-servers')
  for (const program of [...Object.values(observabilityPrograms), loadPrograms.k6]) {
    const found = await goProgram(program)
    if ('missing' in found) say(found.missing)
  }
  await vitest('rules and alerts', 'vitest.observability.config.ts', OBSERVABILITY_LIMIT_MS)
}

/** The images are built first, over a base made here where that can be done; without podman their tests are skipped. */
async function images() {
  const { buildImages, findPodman, goProgram, helmPrograms, localBases } = await import(
    '@fractal-lba/test-servers'
  )
  const helm = await goProgram(helmPrograms.helm4)
  if ('missing' in helm) say(helm.missing)
  const podman = await findPodman()
  if ('missing' in podman) say(podman.missing)
  else {
    await report.check('images', async () => {
      const bases = await localBases(podman, say)
      await buildImages(podman, { root, tag: 'test', ...('missing' in bases ? {} : { bases }) }, say)
      return undefined
    })
  }
  await vitest('the images as containers', 'vitest.images.config.ts', IMAGES_LIMIT_MS)
}

async function nothingLeft() {
  const name = 'no process left behind'
  const found = await leftovers(mark)
  if (found === undefined) {
    report.skip(name, 'this system has no /proc to look into')
    return
  }
  endMarked(mark)
  await report.check(name, async () =>
    found.length === 0 ? undefined : found.map(({ pid, command }) => `process ${pid}: ${command}`).join('\n'),
  )
}
