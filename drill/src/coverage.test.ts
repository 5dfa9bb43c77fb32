import { alertNames } from '@fractal-lba/observability'
import { describe, expect, it } from 'vitest'
import type { DrillStore, StoreName } from './drill-store.js'
import { forgedFaults } from './forged-faults.js'
import { logFaults } from './log-faults.js'
import { processFaults } from './process-faults.js'
import { storeFaults } from './store-faults.js'
import { trafficFaults } from './traffic-faults.js'

/** The faults of a store are only listed here. */
const storeOf = (name: StoreName) => storeFaults({ name } as DrillStore)
const faults = [
  ...trafficFaults,
  ...processFaults,
  ...logFaults,
  ...forgedFaults,
  ...storeOf('redis'),
  ...storeOf('postgres'),
]
const driven = new Set(faults.flatMap(({ alerts }) => alerts))

describe('the drill', () => {
  it('raises each alert', () => {
    const left = alertNames().filter((alert) => !driven.has(alert))
    expect(left).toEqual([])
  })

  it('raises only alerts that there are', () => {
    expect([...driven].filter((alert) => !alertNames().includes(alert))).toEqual([])
  })
})
