import { describe, expect, it } from 'vitest'
import { wantedOf } from './arguments.mjs'

const everything = {
  help: false,
  checks: true,
  unit: true,
  e2e: true,
  servers: true,
  observability: false,
  images: false,
  fault: false,
  long: false,
  all: true,
  vitestArgs: [],
}
const part = {
  ...everything,
  checks: false,
  unit: false,
  e2e: false,
  servers: false,
  fault: false,
  all: false,
}

describe('wantedOf', () => {
  it.each([
    ['nothing', [], everything],
    ['one part', ['--unit'], { ...part, unit: true }],
    ['two parts', ['--checks', '--e2e'], { ...part, checks: true, e2e: true }],
    [
      'a filter',
      ['packages/wal'],
      { ...part, unit: true, e2e: true, servers: true, vitestArgs: ['packages/wal'] },
    ],
    ['a filter of a part', ['--e2e', 'keys'], { ...part, e2e: true, vitestArgs: ['keys'] }],
    [
      'words for vitest',
      ['--unit', 'a', '--', '-t', 'b'],
      { ...part, unit: true, vitestArgs: ['a', '-t', 'b'] },
    ],
    [
      'the long form',
      ['--fault', '--long', 'power'],
      { ...part, fault: true, long: true, vitestArgs: ['power'] },
    ],
    ['the part with programs of others', ['--observability'], { ...part, observability: true }],
    ['the short form', ['--fault', '--long', '--short'], { ...part, fault: true }],
    ['help', ['-h'], { ...part, help: true }],
  ])('understands %s', (_case, args, wanted) => {
    expect(wantedOf(args)).toEqual(wanted)
  })

  it('does not guess', () => {
    expect(wantedOf(['--unti'])).toBe('--unti is not known: see npm test -- --help')
  })
})
