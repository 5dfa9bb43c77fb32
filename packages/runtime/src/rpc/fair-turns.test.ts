import { describe, expect, it } from 'vitest'
import { FairTurns } from './fair-turns.js'

describe('turns', () => {
  it('let who comes later pass what another client has waiting', () => {
    const turns = new FairTurns()
    expect([0, 1, 2].map(() => turns.next('many', 100))).toEqual([0, 100, 200])
    turns.served(0)
    expect(turns.next('one', 100)).toBe(0)
    turns.served(100)
    expect(turns.next('one', 100)).toBe(100)
    expect(turns.next('third', 1)).toBe(100)
  })

  it('give no credit for a time of silence', () => {
    const turns = new FairTurns()
    for (let count = 0; count < 10; count += 1) turns.served(turns.next('many', 100))
    expect(turns.next('late', 10)).toBe(900)
  })

  it('are remembered of clients that wait, and of few others', () => {
    const turns = new FairTurns(10)
    for (let count = 0; count < 1_000; count += 1) {
      const turn = turns.next(`client ${count}`, 10)
      turns.served(turn + 10)
    }
    expect(turns.next('client 0', 10)).toBe(turns.next('client 1', 10))
  })
})
