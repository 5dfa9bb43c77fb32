import { describe, expect, it } from 'vitest'
import { BENCH_HELP, readBenchOptions, UnusableOptions } from './bench-options.js'

describe('readBenchOptions', () => {
  it('measures everything by default', () => {
    expect(readBenchOptions([])).toEqual({
      kind: 'variants',
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

  it('fills a memory store', () => {
    expect(readBenchOptions(['--memory'])).toEqual({ kind: 'memory', ids: 10_000_000, json: false })
    expect(() => readBenchOptions(['--memory', '--seconds', '3'])).toThrow(UnusableOptions)
  })

  it('sends batches at a constant rate', () => {
    expect(readBenchOptions(['--batches', '--rate', '5000'])).toEqual({
      ...{ kind: 'batches', rounds: 1, seconds: 60, warmupSeconds: 10, connections: 32, perSecond: 5_000 },
      ...{ dataDir: undefined, json: false },
    })
    expect(() => readBenchOptions(['--batches', '--windows', '3'])).toThrow(UnusableOptions)
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

  const compared = {
    loads: ['crowd', 'lone', 'steady'],
    windows: 16,
    windowMs: 1_500,
    warmupSeconds: 15,
    connections: 256,
    perSecond: 1_000,
    dataDir: undefined,
    json: false,
  }

  it.each([
    [['--against', '../old'], { kind: 'against', against: '../old', ...compared }],
    [['--one-process'], { kind: 'one-process', ...compared }],
    [['--traced'], { kind: 'traced', ...compared }],
    [['--beside', 'older.json'], { kind: 'beside', beside: 'older.json', ...compared }],
    [['--tls'], { kind: 'tls', ...compared }],
    [['--ed25519'], { kind: 'ed25519', ...compared }],
    [
      ['--verifier', '--windows', '3'],
      { kind: 'verifier', windows: 3, windowMs: 1_500, dataDir: undefined, json: false },
    ],
    [
      ['--against', 'x', '--only', 'steady,lone', '--seconds', '1.2', '--windows', '4', '--rate', '500'],
      {
        kind: 'against',
        against: 'x',
        ...compared,
        loads: ['lone', 'steady'],
        windowMs: 1_200,
        windows: 4,
        perSecond: 500,
      },
    ],
  ])('compares two builds with %j', (args, expected) => {
    expect(readBenchOptions(args)).toEqual(expected)
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
      'windows',
      'rate',
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
    [
      ['--windows', '3'],
      '--windows needs --against, --beside, --verifier, --batches or one of --one-process, --traced, --tls, --ed25519',
    ],
    [['--tls', '--ed25519'], 'runs of their own'],
    [['--verifier', '--rate', '5'], '--rate does not go with --verifier'],
    [['--against', 'x', '--one-process'], 'runs of their own'],
    [['--against', 'x', '--rounds', '2'], '--rounds does not go with two builds'],
    [['--against', 'x', '--only', 'redis'], '--only is crowd, lone, steady here, not redis'],
    [['--against', 'x', '--seconds', '0.4'], 'from 0.5 to 10'],
    [['--against', 'x', '--seconds', '1.25'], 'in steps of 0.1'],
  ])('refuses %j with a sentence', (args, sentence) => {
    expect(() => readBenchOptions(args)).toThrow(UnusableOptions)
    expect(() => readBenchOptions(args)).toThrow(sentence)
  })
})
