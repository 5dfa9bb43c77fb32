import { describe, expect, it } from 'vitest'
import { FUZZ_HELP, wantedOf } from './arguments.mjs'

describe('wantedOf', () => {
  it.each([
    [['--target', 'record', '--from', '7'], { target: 'record', from: 7, seconds: 30, input: undefined }],
    [
      ['--target', 'http', '--bodies', '10000000'],
      { target: 'http', bodies: 10_000_000, seconds: undefined },
    ],
    [['--target', 'csv', '--seed', '42'], { from: 42, bodies: 1, seconds: undefined }],
    [['--target', 'frames', '--seconds', '600', '--workers', '3'], { seconds: 600, workers: 3 }],
  ])('understands %j', (args, wanted) => {
    expect(wantedOf(args)).toMatchObject(wanted)
  })

  it.each([
    [['--help'], FUZZ_HELP],
    [[], '--target is one of record, grpc, frames, csv, http, http-raw, grpc-front'],
    [['--target', 'csv', '--bodies', '1e5'], '--bodies is a whole number from 1 to 4294967296'],
    [['--target', 'csv', '--bodies', '1', '--seconds', '1'], 'either --bodies or --seconds'],
    [['--target', 'csv', '--from', '4294967296'], 'a seed is a whole number below 2^32'],
    [
      ['--target', 'csv', '--seed', '1', '--from', '2'],
      '--seed is one seed alone: leave out --from, --bodies and --seconds',
    ],
    [['--target', 'csv', '--workers', '0'], '--workers is a whole number from 1 to 256'],
  ])('does not guess: %j', (args, sentence) => {
    expect(wantedOf(args)).toBe(sentence)
  })

  it('says what it does not know', () => {
    expect(wantedOf(['--sedes', '1'])).toContain("'--sedes'")
  })
})
