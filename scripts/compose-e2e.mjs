import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { endWithParent, run } from './lib/run.mjs'
import { root } from './ready.mjs'

const HELP = `node scripts/compose-e2e.mjs hmac|ed25519    compose.yaml, started, asked from outside, and taken down with its data

It builds nothing: docker compose build, or npm run images, came before. What it saw stays in test-results/compose-…: the
containers' lines, the first records of the log, /metrics of the gateway.

  COMPOSE          the command (docker compose); podman-compose, for instance
  LOAD             a command that is run against it meanwhile, with BACKEND_URL and the key in its environment
  IMAGE_REGISTRY, IMAGE_TAG, PORT, GRPC_PORT as in compose.yaml
`

const LIMIT_MS = 10 * 60_000
const RECORDS_KEPT = 200
/** Three of pcs check, five of this file, three of the agent. */
const POSTS = 11
const [algorithm] = process.argv.slice(2)
const { COMPOSE = 'docker compose', LOAD, PORT = '8080' } = process.env
const keys = JSON.parse(readFileSync(join(root, 'test/golden/throw-away-keys.json'), 'utf8'))[algorithm ?? '']
if (keys === undefined || process.argv.includes('--help')) {
  process.stdout.write(HELP)
  process.exit(process.argv.includes('--help') ? 0 : 2)
}

const say = (/** @type {string} */ line) => process.stdout.write(`${line}\n`)
const kept = join(root, 'test-results', `compose-${algorithm}`)
const baseUrl = `http://127.0.0.1:${PORT}`
const env = { ...process.env, ...keys, BACKEND_URL: baseUrl, ENDPOINT: baseUrl }
const golden = algorithm === 'hmac' ? 'mixed-walk.pcs.json' : 'mixed-walk.ed25519.pcs.json'
mkdirSync(kept, { recursive: true })
endWithParent()

let failed = 0
try {
  await step('it starts', compose('up', '--detach'))
  await step('pcs check', compose('--profile', 'check', 'run', '--rm', 'check'))
  await step('a golden record is accepted', submits(200, undefined, text(golden)))
  await step('its duplicate is replayed', submits(200, 'true', text(golden)))
  await step('with another Merkle root it is a 401', submits(401, undefined, withOtherRoot(text(golden))))
  await step('malformed JSON is a 400', submits(400, undefined, '{"pcs_id":'))
  await step('the next valid one is replayed still', submits(200, 'true', text(golden)))
  await step('the agent has shipped the sample events', shipped)
  await step('every POST is in the log', logged)
  if (LOAD !== undefined) await step(LOAD, command('sh', ['-c', LOAD]))
} finally {
  await keep('containers.log', compose('logs', '--no-color'))
  await keep('metrics.txt', async () => (await fetch(`${baseUrl}/metrics`)).text())
  await step('it is taken down', compose('down', '--volumes'))
}
say(`${failed === 0 ? 'passed' : 'FAILED'}: what was seen is in ${kept}`)
process.exit(failed === 0 ? 0 : 1)

/**
 * @param {string} name
 * @param {() => Promise<string>} act
 */
async function step(name, act) {
  const beganMs = performance.now()
  const mistake = await act().then(
    () => undefined,
    (/** @type {unknown} */ error) => String(error),
  )
  say(
    `${mistake === undefined ? 'passed' : 'FAILED'}  ${name}  ${((performance.now() - beganMs) / 1_000).toFixed(1)} s`,
  )
  if (mistake === undefined) return
  failed += 1
  say(mistake)
}

/**
 * @param {string} file
 * @param {() => Promise<string>} content
 */
async function keep(file, content) {
  try {
    writeFileSync(join(kept, file), await content())
  } catch (error) {
    say(`${file} could not be kept: ${String(error)}`)
  }
}

/**
 * @param {string} program
 * @param {readonly string[]} args
 * @returns {() => Promise<string>}
 */
function command(program, args) {
  return async () => {
    const { code, late, output } = await run(program, args, { cwd: root, limitMs: LIMIT_MS, env })
    if (code !== 0)
      throw new Error(
        `${program} ${args.join(' ')} ${late ? 'took too long' : `ended with ${code}`}:\n${output}`,
      )
    return output
  }
}

/** @param {readonly string[]} args */
function compose(...args) {
  const [program = 'docker', ...before] = COMPOSE.split(' ')
  return command(program, [...before, ...args])
}

/** @param {string} file */
function text(file) {
  return readFileSync(join(root, 'test/golden', file), 'utf8').trimEnd()
}

/** @param {string} record */
function withOtherRoot(record) {
  return record.replace(/"merkle_root":\s*"(.)/, (_, digit) => `"merkle_root":"${digit === '0' ? '1' : '0'}`)
}

/**
 * @param {number} status
 * @param {string | undefined} replayed
 * @param {string} body
 * @returns {() => Promise<string>}
 */
function submits(status, replayed, body) {
  return async () => {
    const headers = { 'content-type': 'application/json' }
    const answer = await fetch(`${baseUrl}/v1/pcs/submit`, { method: 'POST', headers, body })
    const found = await answer.text()
    const mark = answer.headers.get('idempotent-replayed') ?? undefined
    if (answer.status === status && mark === replayed) return found
    throw new Error(`${answer.status}, replayed: ${mark}, instead of ${status}, ${replayed}: ${found}`)
  }
}

/** The records of the three sample files, and the marks of what this file has sent. */
async function shipped() {
  const beganMs = performance.now()
  for (;;) {
    const metrics = await (await fetch(`${baseUrl}/metrics`)).text()
    const accepted = Number(/^flk_accepted(?:_total)?(?:\{[^}]*\})? (\d+)/m.exec(metrics)?.[1] ?? 0)
    if (accepted >= 5) return metrics
    if (performance.now() - beganMs > 60_000) throw new Error(`only ${accepted} records were accepted`)
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
}

async function logged() {
  const exported = await compose('exec', '-T', 'wal', 'pcs', 'wal', 'export', '--to', String(RECORDS_KEPT))()
  writeFileSync(join(kept, 'wal.ndjson'), exported)
  const submissions = exported.split('\n').filter((line) => line.includes('"type":"submission"'))
  const hasMalformed = submissions.some((line) => line.includes('"body":"{\\"pcs_id\\":"'))
  if (submissions.length >= POSTS && hasMalformed) return exported
  throw new Error(`the log has ${submissions.length} submissions:\n${exported.slice(0, 2_000)}`)
}
