import { describe, expect, it } from 'vitest'
import { matrixMistakes } from './test-matrix.mjs'

const files = [
  {
    path: 'a/src/x.test.ts',
    text: "describe('x', () => {\n  it('holds', () => {})\n  it(`holds on`, f)\n})",
  },
  { path: 'test/fault/broken/b.mjs', text: '' },
]
const page = (/** @type {string} */ test, control = 'none yet') =>
  `| promise | test | control |\n|---|---|---|\n| it holds | ${test} | ${control} |\n`

describe('matrixMistakes', () => {
  it('finds none where files and titles are there', () => {
    const test = '[x](../a/src/x.test.ts) "holds", "holds " and "x"'
    expect(matrixMistakes(page(test, '[b](../test/fault/broken/b.mjs)'), files)).toEqual([])
  })

  it('names a file that is gone', () => {
    expect(matrixMistakes(page('[y](../a/src/y.test.ts) "holds"'), files)).toEqual([
      'a/src/y.test.ts is not there',
    ])
    expect(matrixMistakes(page('[x](../a/src/x.test.ts) "x"', '[c](../test/c.mjs)'), files)).toEqual([
      'test/c.mjs is not there',
    ])
  })

  it('names a title that is gone, also the second one, and words that are no title', () => {
    expect(matrixMistakes(page('[x](../a/src/x.test.ts) "holds", "held", "olds"'), files)).toEqual([
      'a/src/x.test.ts has no title "held"',
      'a/src/x.test.ts has no title "olds"',
    ])
  })

  it('wants a title for each file of tests', () => {
    expect(matrixMistakes(page('[x](../a/src/x.test.ts)'), files)).toEqual([
      'a/src/x.test.ts is named without a title',
    ])
  })

  it('wants a word about the control', () => {
    expect(matrixMistakes(page('[x](../a/src/x.test.ts) "holds"', ''), files)).toEqual([
      'a row has an empty cell: it holds',
    ])
  })
})
