import { randomUUID } from 'node:crypto'
import { existsSync, rmSync } from 'node:fs'
import { join, relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import { endWithParent } from './lib/run.mjs'
import { NotReady, ready, root } from './ready.mjs'
import { endMarked } from './test/leftovers.mjs'
import { Report } from './test/report.mjs'

const HELP = `npm run test:helm                   the chart under both Helms, then on a real API server
npm run test:helm -- --render       what needs the Helm programs alone: lint, suites, profiles, values, snippets
npm run test:helm -- --cluster      what needs an API server: installs, upgrades, policies
npm run test:helm -- --render -- X  what follows the second -- goes to the part as it is

Programs that are missing are built by Go, once, into the cache of the user. What cannot be built is skipped, by name.
`

/**
 * What a part of the chart's tests gets.
 * @typedef {object} Part
 * @property {Report} report takes its checks, its tests and what it skips
 * @property {string} root of the checkout
 * @property {(line: string) => void} say
 * @property {readonly string[]} args the words behind the second --
 * @property {string} mark carried by every process of this run
 * @property {string} logDir where what its processes write may stay when something has failed
 */

/** The parts, each a module that exports `run(part: Part): Promise<void>`. */
const PARTS = { '--render': 'helm/test/render/run.mjs', '--cluster': 'helm/test/cluster/run.mjs' }

const say = (/** @type {string} */ line) => process.stdout.write(`${line}\n`)
const { wanted, args } = asked(process.argv.slice(2))
const mark = randomUUID()
endWithParent(() => endMarked(mark))
const report = new Report(say)
const logDir = join(root, 'test-results', mark)

if (await built()) {
  for (const [option, path] of Object.entries(PARTS)) {
    if (!wanted.includes(option)) continue
    if (!existsSync(join(root, path))) report.skip(`helm ${option}`, `${path} is not there`)
    else
      await (await import(pathToFileURL(join(root, path)).href)).run({
        report,
        root,
        say,
        args,
        mark,
        logDir,
      })
  }
}
if (!report.hasFailed) rmSync(logDir, { recursive: true, force: true })
else if (existsSync(logDir)) say(`what the processes wrote: ${relative(root, logDir)}`)
process.exit(report.close())

/** @param {readonly string[]} words */
function asked(words) {
  const end = words.indexOf('--')
  const own = end < 0 ? words : words.slice(0, end)
  if (own.includes('--help') || own.includes('-h')) {
    process.stdout.write(HELP)
    process.exit()
  }
  const unknown = own.find((word) => !Object.keys(PARTS).includes(word))
  if (unknown !== undefined) {
    say(`${unknown} is not known: see npm run test:helm -- --help`)
    process.exit(2)
  }
  return { wanted: own.length > 0 ? own : Object.keys(PARTS), args: end < 0 ? [] : words.slice(end + 1) }
}

/** Without a build there are no programs to test with. */
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
