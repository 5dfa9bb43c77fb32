import { describe, expect, it } from 'vitest'
import { otherLevel } from './log-level.js'

describe('the level that a running process is switched to', () => {
  it.each([
    ['info', 'info', 'debug'],
    ['debug', 'info', 'info'],
    ['error', 'error', 'debug'],
    ['debug', 'error', 'error'],
    ['debug', 'debug', 'info'],
    ['info', 'debug', 'debug'],
    ['trace', 'trace', 'info'],
  ] as const)('at %s, started with %s: %s', (present, start, other) => {
    expect(otherLevel(present, start)).toBe(other)
  })
})
