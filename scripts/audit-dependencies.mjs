// npm run audit:dependencies: licences of all packages, and what is known against those that are shipped.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { advisoriesOf } from './audit/advisories.mjs'
import { licenceMistakes } from './audit/licences.mjs'
import { run } from './lib/run.mjs'

const HELP = `npm run audit:dependencies [-- --require-advisories]

Compares the licence of each package in package-lock.json with the list in scripts/audit/licences.mjs, and asks the
registry for advisories (npm audit). High and critical ones of what is shipped fail; others are told. A registry that has
none to ask is told too, and fails with --require-advisories.
`
const LIMIT_MS = 120_000
const root = fileURLToPath(new URL('..', import.meta.url))
const [option, ...more] = process.argv.slice(2)
if (option === '--help' || more.length > 0 || (option !== undefined && option !== '--require-advisories')) {
  process[option === '--help' ? 'stdout' : 'stderr'].write(HELP)
  process.exit(option === '--help' ? 0 : 2)
}
const say = (/** @type {string} */ line) => process.stdout.write(`${line}\n`)
let hasFailed = false
const fail = (/** @type {string} */ line) => {
  say(`failed   ${line}`)
  hasFailed = true
}

const mistakes = licenceMistakes(readFileSync(join(root, 'package-lock.json'), 'utf8'), licenceIn)
for (const mistake of mistakes) fail(mistake)
if (mistakes.length === 0) say('passed   licences')

const { output } = await run('npm', ['audit', '--omit=dev', '--json'], { cwd: root, limitMs: LIMIT_MS })
const advisories = advisoriesOf(output)
if (advisories) {
  for (const sentence of advisories.grave) fail(sentence)
  for (const sentence of advisories.others) say(`told     ${sentence}`)
  if (advisories.grave.length === 0) say('passed   advisories')
} else if (option === '--require-advisories') fail('advisories: the registry has none to ask (npm audit)')
else say('skipped  advisories: the registry has none to ask (npm audit)')
process.exit(hasFailed ? 1 : 0)

/**
 * @param {string} place
 * @returns {string | undefined} undefined where it is not installed, or says it in a form of its own
 */
function licenceIn(place) {
  const path = join(root, place, 'package.json')
  if (!existsSync(path)) return undefined
  const { license } = JSON.parse(readFileSync(path, 'utf8'))
  return typeof license === 'string' ? license : undefined
}
