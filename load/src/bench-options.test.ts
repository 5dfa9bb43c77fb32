import { describe, expect, it } from 'vitest'
import { BENCH_HELP, readBenchOptions, UnusableOptions } from './bench-options.js'

describe('readBenchOptions', () => {
  it('measures everything by default', () => {
    expect(readBenchOptions([])).toEqual({
      variants: ['product', 'no-flush', 'compacting'],
      log: true,
      rounds: 3,
      connections: 256,
      seconds: 5,
      warmupSeconds: 10,
      loneSeconds: 1,
      dataDir: undefined,
      json: false,
      profile: false,
    })
  })

  it.each([
    [['--only', 'product'], { variants: ['product'], log: false }],
    [['--only', 'log'], { variants: ['product', 'no-flush', 'compacting'], log: true }],
    [['--only', 'stores'], { variants: ['product', 'redis', 'postgres'], log: false }],
    [['--only', 'log,redis'], { variants: ['product', 'no-flush', 'compacting', 'redis'], log: true }],
    [['--only', 'no-flush', '--only', 'product'], { variants: ['product', 'no-flush'] }],
    [['--only', 'compacting,product'], { variants: ['product', 'compacting'] }],
    [['--seconds', '2', '--rounds', '7', '--connections', '1'], { seconds: 2, rounds: 7, connections: 1 }],
    [['--profile'], { profile: true, rounds: 1 }],
    [['--profile', '--rounds', '2'], { profile: true, rounds: 2 }],
    [['--data-dir', '/mnt/x', '--json'], { dataDir: '/mnt/x', json: true }],
  ])('takes %j', (args, expected) => {
    expect(readBenchOptions(args)).toMatchObject(expected)
  })

  it.each([['--help'], ['-h']])('is asked for help by %s', (option) => {
    expect(readBenchOptions([option])).toBeUndefined()
  })

  it('explains every option that it takes', () => {
    for (const option of [
      'only',
      'seconds',
      'warmup',
      'lone',
      'rounds',
      'connections',
      'data-dir',
      'json',
      'profile',
    ]) {
      expect(BENCH_HELP).toContain(`  --${option} `)
    }
  })

  it.each([
    [['--only', 'go'], '--only is product, no-flush, compacting, redis, postgres, log or stores, not go'],
    [['--only', 'product,go'], 'not go'],
    [['--seconds', '0'], '--seconds is a whole number from 1 to 600, not 0'],
    [['--rounds', '1.5'], '--rounds is a whole number'],
    [['--connections', '-1'], '--connections'],
    [['--connections', '5000'], 'from 1 to 4096'],
    [['--second', '5'], '--second'],
    [['5'], '5'],
  ])('refuses %j with a sentence', (args, sentence) => {
    expect(() => readBenchOptions(args)).toThrow(UnusableOptions)
    expect(() => readBenchOptions(args)).toThrow(sentence)
  })
})
