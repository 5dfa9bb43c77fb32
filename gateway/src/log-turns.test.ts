import { expect, it } from 'vitest'
import { inTurns } from './log-turns.js'

it('lets the logs that suit best take turns, and puts the others behind them', () => {
  const suitabilities: Record<string, number> = { a: 2, b: 1, c: 2, d: 0, e: 2 }
  const logs = Object.keys(suitabilities).map((address) => ({ address }))
  const next = inTurns(logs, ({ address }) => suitabilities[address] ?? 0)
  const orders = Array.from({ length: 30 }, () =>
    next()
      .map(({ address }) => address)
      .join(''),
  )
  const firsts = orders.map(([first]) => first)
  expect(['a', 'c', 'e'].map((log) => firsts.filter((first) => first === log).length)).toEqual([10, 10, 10])
  expect(orders.every((order) => order.endsWith('bd') && order.length === 5)).toBe(true)
  suitabilities.b = 2
  expect(Array.from({ length: 4 }, () => next()[0]?.address).sort()).toEqual(['a', 'b', 'c', 'e'])
})

it('tries all of them where nothing is known, and none where there is none', () => {
  const next = inTurns([{ address: 'a' }, { address: 'b' }], () => 0)
  expect([next(), next()].map((order) => order.map(({ address }) => address).join('')).sort()).toEqual([
    'ab',
    'ba',
  ])
  expect(inTurns([], () => 0)()).toEqual([])
})
