import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isInstalled } from './lib/installed.mjs'
import { withLock } from './lib/lock.mjs'
import { nodeMistake } from './lib/node-version.mjs'
import { run } from './lib/run.mjs'

/** The root of the checkout. */
export const root = fileURLToPath(new URL('..', import.meta.url))

const INSTALL_LIMIT_MS = 10 * 60_000
const BUILD_LIMIT_MS = 5 * 60_000

/** What stands in the way, with what the failed program wrote. */
export class NotReady extends Error {
  /** @override */
  name = 'NotReady'
}

/**
 * Installs and builds what is missing: nothing, when nothing is. One process at a time does it in a checkout.
 * @param {(line: string) => void} say
 * @throws {NotReady}
 */
export async function ready(say) {
  const mistake = nodeMistake(process.versions.node)
  if (mistake !== undefined) throw new NotReady(mistake)
  const onWait = (/** @type {number} */ pid) =>
    say(`waiting for process ${pid}, which installs or builds here`)
  await withLock(
    join(root, '.ready.lock'),
    { onWait, limitMs: INSTALL_LIMIT_MS + BUILD_LIMIT_MS },
    async () => {
      await install(say)
      await build(say)
    },
  )
}

/** @param {(line: string) => void} say */
async function install(say) {
  if (isInstalled(root)) return
  say('installing the packages of package-lock.json (npm ci)')
  // The npm that runs this script, where one does; dev dependencies also where NODE_ENV is production.
  const npm = process.env.npm_execpath
  const args = ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error']
  const [command, first] = npm?.endsWith('.js') ? [process.execPath, [npm]] : ['npm', []]
  await done('npm ci', await run(command, [...first, ...args], { cwd: root, limitMs: INSTALL_LIMIT_MS }))
}

/** @param {(line: string) => void} say */
async function build(say) {
  const tsc = [join(root, 'node_modules/typescript/bin/tsc'), '-b', '--pretty', 'false']
  const look = await run(process.execPath, [...tsc, '--dry'], { cwd: root, limitMs: BUILD_LIMIT_MS })
  if (look.code === 0 && !look.output.includes('would build')) return
  say('building (tsc -b)')
  await done('the build (tsc -b)', await run(process.execPath, tsc, { cwd: root, limitMs: BUILD_LIMIT_MS }))
}

/**
 * @param {string} what
 * @param {import('./lib/run.mjs').Ran} ran
 */
async function done(what, { code, late, output }) {
  if (code === 0) return
  throw new NotReady(`${what} ${late ? 'took too long' : 'failed'}:\n${output.trimEnd()}`)
}
