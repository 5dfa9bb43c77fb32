import { describe, expect, it } from 'vitest'
import { readObserveOptions } from './options.js'

describe('npm run observe', () => {
  it('has the ports that each program has by itself', () => {
    expect(readObserveOptions([])).toEqual({
      ports: { jaeger: 16686, otlp: 4318, prometheus: 9090, alertmanager: 9093, blackbox: 9115 },
      timeScale: 1,
      startArgs: [],
    })
  })

  it('takes others', () => {
    const options = readObserveOptions(['--prometheus', '1', '--time-scale=60', '--one-process'])
    expect(options).toMatchObject({ ports: { prometheus: 1 }, timeScale: 60, startArgs: ['--one-process'] })
  })

  it.each([
    [['--jaeger', '0'], '--jaeger is not a whole number from 1 to 65535'],
    [['--otlp', '65536'], '--otlp is not a whole number'],
    [['--time-scale', '0.5'], '--time-scale is not a whole number from 1'],
    [['--nonsense'], '--nonsense'],
    [['word'], 'word'],
  ])('refuses %s', (args, sentence) => {
    expect(() => readObserveOptions(args)).toThrow(sentence)
  })
})
