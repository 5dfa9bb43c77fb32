import { expect, it } from 'vitest'
import { LoadFailure, type Part } from './generated.js'
import { addressOf, capacityOf } from './open-loop-runs.js'

const step = (asked: number, change: Partial<Part> = {}): Part => ({
  ...{ name: `${asked}/s`, asked, perSecond: asked, count: 10 * asked, failed: 0 },
  ...{ p50Ms: 2, p95Ms: 20, p99Ms: 50, ...change },
})

it('names the highest rate whose answers came in time, each of them and all', () => {
  const held = [step(100), step(200)]
  expect(capacityOf([...held, step(400, { p99Ms: 200 })])?.name).toBe('200/s')
  expect(capacityOf([...held, step(400, { perSecond: 390 })])?.name).toBe('200/s')
  expect(capacityOf([...held, step(400, { failed: 1 })])?.name).toBe('200/s')
  expect(capacityOf([step(100, { p99Ms: 300 }), step(200)])?.name).toBe('200/s')
  expect(capacityOf([step(100, { p99Ms: 300 })])).toBeUndefined()
})

it('sends to this machine alone', () => {
  expect(addressOf('http://localhost:8080')).toEqual({ host: '127.0.0.1', port: 8_080 })
  expect(addressOf('http://[::1]:1')).toEqual({ host: '::1', port: 1 })
  for (const url of ['http://192.0.2.1:80', 'https://127.0.0.1:1'])
    expect(() => addressOf(url)).toThrow(LoadFailure)
})
