import { expect, it } from 'vitest'
import { LOAD_HELP, readLoadOptions, runNames, UnusableLoadOptions } from './options.js'

it('reads a profile, whole and short', () => {
  expect(readLoadOptions(['baseline'])).toEqual({
    ...{ kind: 'run', run: 'baseline', seconds: undefined, scale: 1 },
    ...{ target: undefined, dataDir: undefined, oneProcess: false },
  })
  const short = readLoadOptions([
    'steady',
    '--seconds',
    '20',
    '--scale',
    '0.1',
    '--target',
    'pcs.example.com',
  ])
  expect(short).toMatchObject({ run: 'steady', seconds: 20, scale: 0.1, target: 'pcs.example.com' })
  expect(readLoadOptions(['report'])).toEqual({ kind: 'report' })
  const reports = readLoadOptions(['difference', 'a.json', 'b.json'])
  expect(reports).toEqual({ kind: 'difference', before: 'a.json', after: 'b.json' })
})

it('gives help where nothing is named, and says what each run is', () => {
  expect(readLoadOptions([])).toBeUndefined()
  expect(readLoadOptions(['baseline', '--help'])).toBeUndefined()
  for (const name of runNames) expect(LOAD_HELP).toContain(`  ${name} `)
})

it.each([
  [['spike']],
  [['baseline', 'burst']],
  [['baseline', '--seconds', '0']],
  [['baseline', '--scale', '-1']],
  [['baseline', '--scale', '1e3']],
  [['baseline', '--rate', '5']],
  [['difference', 'a.json']],
])('refuses %j', (args) => {
  expect(() => readLoadOptions(args)).toThrow(UnusableLoadOptions)
})
