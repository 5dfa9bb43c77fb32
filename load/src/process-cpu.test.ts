import { describe, expect, it } from 'vitest'
import { cpuMsFromStat, cpuMsOf } from './process-cpu.js'

const stat = (name: string): string =>
  `4242 (${name}) S 1 4242 4242 0 -1 4194304 900 0 3 0 123 45 7 8 20 0 11 0 99 1 2 3`

describe('cpuMsFromStat', () => {
  it.each(['node', 'a (b) c', ') S 1 2 3', 'x) R 9'])(
    'adds user and system time of a process named %j',
    (name) => {
      expect(cpuMsFromStat(stat(name))).toBe((123 + 45) * 10)
    },
  )
})

describe('cpuMsOf', () => {
  it('says what this process has used, as Node says it', () => {
    const until = performance.now() + 150
    while (performance.now() < until) Math.sqrt(until)
    const { user, system } = process.cpuUsage()
    const toldMs = cpuMsOf([process.pid])
    expect(Math.abs(toldMs - (user + system) / 1000)).toBeLessThan(100)
    expect(cpuMsOf([process.pid, process.pid])).toBeGreaterThanOrEqual(2 * toldMs)
  })

  it('does not pass over a process that has ended', () => {
    expect(() => cpuMsOf([process.pid, 2 ** 22 + 1])).toThrow('ENOENT')
  })
})
