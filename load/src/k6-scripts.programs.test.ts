import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { builtGoProgram, loadPrograms } from '@fractal-lba/test-servers'
import { describe, expect, it } from 'vitest'

// The scripts of load/ as k6 itself runs them; what they make is tested in Node by k6-records.test.ts.

const k6 = builtGoProgram(loadPrograms.k6)
const LIMIT_MS = 60_000
const SCRIPT_FAILED = 110
const ABORTED = 108

if ('missing' in k6) it.skip(`what k6 makes of load/ (${k6.missing})`)
describe.skipIf('missing' in k6)('k6', () => {
  it('signs what the vectors say', async () => {
    const { code, output } = await run('k6/vectors.js')
    expect(code, output).toBe(0)
    expect(output).toContain('22 vectors hold')
  })

  it.each(['baseline', 'burst', 'steady', 'soak'])(
    'sends nothing to another machine by %s.js',
    async (name) => {
      const env = { BACKEND_URL: 'http://192.0.2.1', PCS_HMAC_KEY: 'a key for tests', LOAD_SCALE: '0.01' }
      const { code, output } = await run(`${name}.js`, env)
      expect([code, output]).toEqual([ABORTED, expect.stringContaining('LOAD_TARGET=192.0.2.1')])
    },
  )

  it('ends at once where nothing is ready', async () => {
    const env = { BACKEND_URL: 'http://127.0.0.1:1', PCS_HMAC_KEY: 'a key for tests', LOAD_SCALE: '0.01' }
    const { code, output } = await run('baseline.js', env)
    expect([code, output]).toEqual([ABORTED, expect.stringContaining('/ready answered')])
  })

  it('refuses a form that is none', async () => {
    const { code, output } = await run('baseline.js', { PCS_HMAC_KEY: 'x', LOAD_SCALE: 'much' })
    expect(code).not.toBe(0)
    expect(output).toContain('LOAD_SCALE is a number above 0')
  })
})

function run(script: string, env: NodeJS.ProcessEnv = {}): Promise<{ code: number; output: string }> {
  if ('missing' in k6) throw new Error(k6.missing)
  const file = fileURLToPath(new URL(`../${script}`, import.meta.url))
  const args = ['run', '--no-usage-report', '--quiet', '--address=127.0.0.1:0', file]
  const options = { timeout: LIMIT_MS, env: { ...process.env, ...env } }
  return new Promise((resolve) => {
    execFile(k6.path, args, options, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code ?? SCRIPT_FAILED) : 0, output: stdout + stderr })
    })
  })
}
