import { describe, expect, it } from 'vitest'
import { Report } from './report.mjs'

/**
 * @param {(report: Report) => Promise<unknown>} fill
 * @returns {Promise<{ code: number, lines: string[] }>}
 */
async function closed(fill) {
  /** @type {string[]} */
  const lines = []
  const report = new Report((line) => lines.push(...line.replace(/\d+\.\d s/, 'T').split('\n')))
  await fill(report)
  return { code: report.close(), lines }
}

const fine = async () => undefined
const summary = { passed: 3, failed: 0, skipped: [{ name: 'a > b', reason: 'no disk' }] }

describe('Report', () => {
  it('adds up, names what was skipped, and closes with the sums', async () => {
    const { code, lines } = await closed(async (report) => {
      await report.check('lint', fine)
      await report.tests('unit', true, async () => summary)
      report.skip('leftovers', 'no /proc')
    })
    expect(lines).toEqual([
      'passed  lint  T',
      'passed  unit  T: 3 passed, 0 failed, 1 skipped',
      'skipped  a > b: no disk',
      'skipped  leftovers: no /proc',
      '4 passed, 0 failed, 2 skipped',
    ])
    expect(code).toBe(0)
  })

  it('fails with one failed check, and shows what it says', async () => {
    const { code, lines } = await closed(async (report) => {
      await report.check('lint', async () => 'line one\nline two')
      await report.tests('unit', true, async () => summary)
    })
    expect(lines.slice(0, 3)).toEqual(['FAILED  lint  T', '        line one', '        line two'])
    expect(lines.at(-1)).toBe('3 passed, 1 failed, 1 skipped')
    expect(code).toBe(1)
  })

  it('counts a check that breaks as failed', async () => {
    const { code, lines } = await closed((report) =>
      report.check('lint', () => Promise.reject(new Error('broken'))),
    )
    expect(lines).toContain('        Error: broken')
    expect(code).toBe(1)
  })

  it('fails with one failed test', async () => {
    const { code } = await closed((report) =>
      report.tests('unit', true, async () => ({ ...summary, failed: 1 })),
    )
    expect(code).toBe(1)
  })

  it('fails when a part that must run has nothing in it', async () => {
    const none = { passed: 0, failed: 0, skipped: [] }
    const must = await closed(async (report) => {
      await report.check('lint', fine)
      await report.tests('unit', true, async () => none)
    })
    expect(must.code).toBe(1)
    expect(must.lines).toContain('FAILED  unit  T: none of them ran')
    const may = await closed(async (report) => {
      await report.check('lint', fine)
      await report.tests('unit', false, async () => none)
    })
    expect(may.code).toBe(0)
  })

  it('fails when nothing ran', async () => {
    expect((await closed(async () => {})).code).toBe(1)
  })
})
