import { describe, expect, it } from 'vitest'
import { SIMULATE_HELP, wantedOf } from './arguments.mjs'

describe('wantedOf', () => {
  it.each([
    [[], { from: 0, seeds: 2_000, kinds: ['crashes', 'damage', 'outbox'], json: false }],
    [['--seeds', '100000', '--from', '7', '--json'], { from: 7, seeds: 100_000, json: true }],
    [['--seed', '42', '--only', 'damage'], { from: 42, seeds: 1, kinds: ['damage'] }],
    [['--workers', '3'], { workers: 3 }],
  ])('understands %j', (args, wanted) => {
    expect(wantedOf(args)).toMatchObject(wanted)
  })

  it.each([
    [['--help'], SIMULATE_HELP],
    [['--seeds', '0'], '--seeds is a whole number from 1 to 100000000'],
    [['--seeds', '1e5'], '--seeds is a whole number from 1 to 100000000'],
    [['--from', '4294967295', '--seeds', '2'], 'a seed is a whole number below 2^32'],
    [['--seed', '1', '--from', '2'], '--seed is one seed alone: leave out --seeds and --from'],
    [['--only', 'luck'], '--only is one of crashes, damage, outbox, not luck'],
    [['--workers', '0'], '--workers is a whole number from 1 to 256'],
  ])('does not guess: %j', (args, sentence) => {
    expect(wantedOf(args)).toBe(sentence)
  })

  it('says what it does not know', () => {
    expect(wantedOf(['--sedes', '1'])).toContain("'--sedes'")
  })
})
