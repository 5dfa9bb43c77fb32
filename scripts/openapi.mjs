// npm run test:openapi: schemathesis (PyPI) asks a gateway all that its own description of itself promises.
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ready, root } from './ready.mjs'

const LIMIT_MS = 10 * 60_000

await ready((line) => process.stdout.write(`${line}\n`))
const { oneProcessProgram, testSite } = await import('@fractal-lba/local')
const site = await testSite('openapi')
// It leaves its examples where it runs.
const scratch = await mkdtemp(join(tmpdir(), 'fractal-lba-openapi-'))
try {
  const { baseUrl } = await site.start({
    programs: [oneProcessProgram(root)],
    env: { CLIENT_REFUSALS_RATE: '0' },
  })
  process.exitCode = await schemathesis(baseUrl)
} finally {
  await site.dispose()
  await rm(scratch, { recursive: true, force: true })
}

/**
 * @param {string} baseUrl
 * @returns {Promise<number>} its exit code
 */
function schemathesis(baseUrl) {
  const { SCHEMATHESIS = 'schemathesis' } = process.env
  const args = ['run', `${baseUrl}/openapi.json`, '--checks', 'all', ...process.argv.slice(2)]
  const env = {
    ...process.env,
    PYTHONPATH: join(root, 'test', 'openapi'),
    PYTHONDONTWRITEBYTECODE: '1',
    SCHEMATHESIS_HOOKS: 'hooks',
    PCS_HMAC_KEY: site.hmacKey,
  }
  return new Promise((resolve, reject) => {
    const child = spawn(SCHEMATHESIS, args, { cwd: scratch, env, stdio: 'inherit', timeout: LIMIT_MS })
    child.on('error', (error) => {
      reject(new Error(`${SCHEMATHESIS} cannot be run (pip install schemathesis==4.32.5)`, { cause: error }))
    })
    child.on('exit', (code) => resolve(code ?? 1))
  })
}
