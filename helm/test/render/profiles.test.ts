import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { chart, helms } from './helm.js'
import { profileFiles, profiles } from './profiles.js'
import { mistakesOf } from './rules.js'

// What must be so of everything that the chart renders, in each profile and with each Helm.

describe.each(helms)('$title', (helm) => {
  describe.skipIf(helm.missing)('is there', () => {
    it.each(['values.yaml', ...profileFiles])('lints %s strictly', async (name) => {
      const { code, stdout, stderr } = await helm.run(
        'lint',
        '--strict',
        chart,
        '--values',
        join(chart, name),
      )
      expect(code, stdout + stderr).toBe(0)
      expect(stdout).toContain('1 chart(s) linted, 0 chart(s) failed')
    })

    it.each(profiles)('renders $title to objects that a cluster takes', async ({ files, values }) => {
      const objects = await helm.objects({ files, values })
      expect(objects.length).toBeGreaterThan(5)
      expect(mistakesOf(objects)).toEqual([])
    })
  })
})

const [helm4, helm3] = helms
describe.skipIf(helm4.missing ?? helm3.missing)('both Helms', () => {
  it.each(profiles)('render $title alike', async ({ files, values }) => {
    expect(await helm3.objects({ files, values })).toEqual(await helm4.objects({ files, values }))
  })
})
