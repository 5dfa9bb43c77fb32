// npm run audit:secrets: gitleaks over the whole history and what is not committed yet; SOPS opens the samples with their key.
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { NotReady, ready, root } from './ready.mjs'

const LIMIT_MS = 5 * 60_000
/** Found by the default rules; no key of anybody. */
const PLANTED = `aws_access_key_id = ${['AKIA', 'QYLPMN5HHHFPZAM2'].join('')}\n`

const say = (/** @type {string} */ line) => process.stdout.write(`${line}\n`)
try {
  await ready(say)
} catch (error) {
  if (!(error instanceof NotReady)) throw error
  say(`It cannot start: ${error.message}`)
  process.exit(1)
}
const { goProgram, securityPrograms } = await import('@fractal-lba/test-servers')
const SECRETS = join(root, 'docs/secrets')
const gitleaks = await program(securityPrograms.gitleaks)
const sops = await program(securityPrograms.sops)
const ageKeygen = await program(securityPrograms.ageKeygen)
const common = ['--config', join(root, '.gitleaks.toml'), '--redact', '--no-banner']
/** @type {Part[]} */
const parts = [
  {
    name: 'a planted secret is found',
    command: gitleaks,
    args: ['stdin', ...common],
    input: PLANTED,
    fails: true,
  },
  { name: 'the history', command: gitleaks, args: ['git', ...common, root] },
  { name: 'what is not committed yet', command: gitleaks, args: ['git', '--pre-commit', ...common, root] },
  ...readdirSync(SECRETS)
    .filter((name) => name.endsWith('.sops.yaml'))
    .flatMap((name) => opened(name)),
]
const failed = parts.filter(({ name, command, args, input, env = {}, fails = false }) => {
  const { status, stdout, stderr } = spawnSync(command, args, {
    ...{ cwd: root, input, timeout: LIMIT_MS },
    env: { ...process.env, ...env },
    encoding: 'utf8',
  })
  const isDue = fails ? status !== 0 && status !== null : status === 0
  say(`${isDue ? 'passed ' : 'failed '}  ${name}`)
  if (!isDue) say(`${stdout}${stderr}`.trimEnd())
  return !isDue
})
process.exit(failed.length === 0 ? 0 : 1)

/**
 * A sample: with its own key, and with another one.
 * @param {string} name
 * @returns {Part[]}
 */
function opened(name) {
  const args = ['decrypt', join(SECRETS, name)]
  const foreign = spawnSync(ageKeygen, { encoding: 'utf8' }).stdout
  const env = { SOPS_AGE_KEY_FILE: '', SOPS_AGE_KEY: '' }
  return [
    {
      name: `docs/secrets/${name} opens with its key`,
      ...{ command: sops, args, env: { ...env, SOPS_AGE_KEY_FILE: join(SECRETS, 'throw-away.agekey') } },
    },
    {
      name: `docs/secrets/${name} opens with no other key`,
      ...{ command: sops, args, env: { ...env, SOPS_AGE_KEY: foreign }, fails: true },
    },
  ]
}

/**
 * @param {import('@fractal-lba/test-servers').GoProgram} wanted
 * @returns {Promise<string>} its path
 */
async function program(wanted) {
  const found = await goProgram(wanted)
  if ('path' in found) return found.path
  say(`failed   ${found.missing}`)
  process.exit(1)
}

/**
 * @typedef {object} Part
 * @property {string} name
 * @property {string} command
 * @property {string[]} args
 * @property {string} [input]
 * @property {NodeJS.ProcessEnv} [env]
 * @property {boolean} [fails] it is due to
 */
