import { describe, expect, it } from 'vitest'
import { ConfigError, Env, parseAddress } from './env.js'

function mistakesOf(source: NodeJS.ProcessEnv, read: (env: Env) => void): readonly string[] {
  const env = new Env(source)
  read(env)
  try {
    env.done()
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.mistakes
    throw error
  }
}

describe('Env', () => {
  it('reads what is set and falls back where nothing is, or only an empty text', () => {
    const env = new Env({
      PORT: '9000',
      RATE: '',
      NAME: 'a',
      TTL: '14d',
      SIZE: '64Ki',
      ON: 'true',
      TOL: '0.15',
    })
    expect(env.integer('PORT', 8080, { min: 1, max: 65_535 })).toBe(9000)
    expect(env.integer('RATE', 1000, { min: 0, max: 10_000 })).toBe(1000)
    expect(env.text('NAME', 'b')).toBe('a')
    expect(env.durationMs('TTL', 0, { min: 0, max: 1e12 })).toBe(14 * 86_400_000)
    expect(env.sizeBytes('SIZE', 0, { min: 0, max: 1e9 })).toBe(65_536)
    expect(env.flag('ON', false)).toBe(true)
    expect(env.number('TOL', 0, { min: 0, max: 1 })).toBe(0.15)
    expect(() => env.done()).not.toThrow()
  })

  it.each(['1e3', '0x10', ' 8', '8 ', '8.0', 'x', '99999', '-1', '1_000'])(
    'takes no malformed integer: %j',
    (text) => {
      const mistakes = mistakesOf({ PORT: text }, (env) => env.integer('PORT', 8080, { min: 1, max: 65_535 }))
      expect(mistakes).toEqual(['PORT is not a whole number from 1 to 65535'])
    },
  )

  it.each(['14', '14 d', '1.5h', '-1s', 'd', '14D'])('takes no malformed duration: %j', (text) => {
    expect(mistakesOf({ TTL: text }, (env) => env.durationMs('TTL', 1, { min: 0, max: 1e12 }))).toHaveLength(
      1,
    )
  })

  it('tells all mistakes at once, and never the value', () => {
    const mistakes = mistakesOf({ A: 'secret-a', B: 'secret-b', C: 'secret-c' }, (env) => {
      env.integer('A', 1, { min: 0, max: 1 })
      env.flag('B', true)
      env.oneOf('C', ['x', 'y'], 'x')
      env.required('D', 'it is needed')
    })
    expect(mistakes).toHaveLength(4)
    expect(mistakes.join()).not.toContain('secret')
  })
})

describe('parseAddress', () => {
  it.each([
    ['127.0.0.1:8080', { host: '127.0.0.1', port: 8080 }],
    ['wal-0.wal:8082', { host: 'wal-0.wal', port: 8082 }],
    ['[::1]:80', { host: '::1', port: 80 }],
  ])('takes %s', (text, expected) => expect(parseAddress(text)).toEqual(expected))

  it.each(['', 'host', 'host:', ':80', 'host:65536', 'a b:80', '::1:80', 'host:80/x'])(
    'refuses %j',
    (text) => {
      expect(parseAddress(text)).toBeUndefined()
    },
  )
})
