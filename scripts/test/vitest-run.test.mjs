import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { run } from '../lib/run.mjs'

const here = (/** @type {string} */ path) => fileURLToPath(new URL(path, import.meta.url))

let place = ''
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'fractal-lba-vitest-run-'))
  symlinkSync(here('../../node_modules'), join(place, 'node_modules'))
})
afterEach(() => rmSync(place, { recursive: true }))

/**
 * A real run of vitest over one file.
 * @param {string} text
 */
async function summaryOf(text) {
  writeFileSync(join(place, 'vitest.config.mjs'), "export default { test: { include: ['*.test.mjs'] } }")
  writeFileSync(
    join(place, 'a.test.mjs'),
    `import { afterAll, describe, beforeAll, it } from 'vitest'\n${text}`,
  )
  const script = `
    import { runVitest } from ${JSON.stringify(here('vitest-run.mjs'))}
    const place = ${JSON.stringify(place)}
    const options = { config: place + '/vitest.config.mjs', args: ['--dir', place], mark: 'none', logDir: place, limitMs: 150_000 }
    const summary = await runVitest(${JSON.stringify(here('../..'))}, options)
    console.log('\\n' + JSON.stringify(summary))`
  const { output } = await run(process.execPath, ['--input-type=module', '-e', script], {
    cwd: tmpdir(),
    limitMs: 160_000,
  })
  // What vitest wrote to stderr may come behind it.
  return JSON.parse(output.split('\n').findLast((line) => line.startsWith('{"')) ?? '')
}

describe('runVitest', { timeout: 180_000 }, () => {
  it('counts tests, and keeps the reasons of those that were skipped', async () => {
    const text = `
      it('passes', () => {})
      it('fails', () => { throw new Error('no') })
      it('is skipped', (context) => context.skip('no disk'))
      it.skip('says nothing', () => {})`
    expect(await summaryOf(text)).toEqual({
      passed: 1,
      failed: 1,
      skipped: [
        { name: expect.stringMatching(/a\.test\.mjs > is skipped$/), reason: 'no disk' },
        { name: expect.stringMatching(/a\.test\.mjs > says nothing$/), reason: 'no reason given' },
      ],
    })
  })

  it.each([
    ['a file that cannot be loaded', `throw new Error('no')`],
    [
      'a set-up that fails',
      `describe('s', () => { beforeAll(() => { throw new Error('no') }); it('t', () => {}) })`,
    ],
    ['a clean-up that fails', `afterAll(() => { throw new Error('no') }); it('t', () => {})`],
    ['an error outside of tests', `it('t', () => { setTimeout(() => { throw new Error('no') }) })`],
    ['a worker that dies', `it('t', () => { process.kill(process.pid, 'SIGKILL') })`],
  ])('counts %s as failed', async (_case, text) => {
    expect((await summaryOf(text)).failed).toBeGreaterThan(0)
  })
})
