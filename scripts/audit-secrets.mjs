// npm run audit:secrets: gitleaks over the whole history and what is not committed yet.
import { spawnSync } from 'node:child_process'
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
const found = await goProgram(securityPrograms.gitleaks)
if ('missing' in found) {
  say(`failed   ${found.missing}`)
  process.exit(1)
}
const { path: gitleaks } = found
const common = ['--config', join(root, '.gitleaks.toml'), '--redact', '--no-banner']

const parts = [
  { name: 'a planted secret is found', args: ['stdin', ...common], input: PLANTED, due: 1 },
  { name: 'the history', args: ['git', ...common, root], due: 0 },
  { name: 'what is not committed yet', args: ['git', '--pre-commit', ...common, root], due: 0 },
]
const failed = parts.filter(({ name, args, input, due }) => {
  const { status, stdout, stderr } = spawnSync(gitleaks, args, {
    cwd: root,
    input,
    timeout: LIMIT_MS,
    encoding: 'utf8',
  })
  say(`${status === due ? 'passed ' : 'failed '}  ${name}`)
  if (status !== due) say(`${stdout}${stderr}`.trimEnd())
  return status !== due
})
process.exit(failed.length === 0 ? 0 : 1)
