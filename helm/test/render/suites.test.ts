import { builtGoProgram, helmPrograms } from '@fractal-lba/test-servers'
import { describe, expect, it } from 'vitest'
import { chart, execute } from './helm.js'

// The chart's own suites, with the runner that their authors know.

const found = builtGoProgram(helmPrograms.unittest)
const missing = 'missing' in found ? found.missing : undefined
const title = missing === undefined ? 'helm-unittest' : `helm-unittest (${missing})`

describe.skipIf(missing)(title, () => {
  it('passes all suites of helm/fractal-lba/tests', async () => {
    if ('missing' in found) throw new Error(found.missing)
    const { code, stdout, stderr } = await execute(found.path, ['--color=false', chart])
    expect(code, stdout + stderr).toBe(0)
    expect(stdout).toMatch(/Tests: +\d{2,} passed, \d{2,} total/)
  })
})
