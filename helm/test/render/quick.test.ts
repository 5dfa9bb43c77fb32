import { describe, expect, it } from 'vitest'
import { filler, helms } from './helm.js'
import { mistakesOf } from './rules.js'

// What npm test says of the chart, within seconds. All of it: npm run test:helm.

const helm = helms.find(({ missing }) => missing === undefined) ?? helms[0]

describe.skipIf(helm.missing)(`the chart, by ${helm.title}`, () => {
  it.each([
    ['values.yaml', { values: filler }],
    ['values-production.yaml', { files: ['values-production.yaml'] }],
  ])('renders %s to objects that a cluster takes', async (_, options) => {
    expect(mistakesOf(await helm.objects(options))).toEqual([])
  })
})
