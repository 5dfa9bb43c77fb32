import { alertNames } from '@fractal-lba/observability'
import { describe, expect, it } from 'vitest'
import { NOT_DRIVEN } from './drill.js'
import type { DrillStore, StoreName } from './drill-store.js'
import { logFaults } from './log-faults.js'
import { processFaults } from './process-faults.js'
import { storeFaults } from './store-faults.js'
import { trafficFaults } from './traffic-faults.js'

/** The faults of a store are only listed here. */
const storeOf = (name: StoreName) => storeFaults({ name } as DrillStore)
const faults = [...trafficFaults, ...processFaults, ...logFaults, ...storeOf('redis'), ...storeOf('postgres')]
const driven = new Set(faults.flatMap(({ alerts }) => alerts))

describe('the drill', () => {
  it('raises each alert, or says why not', () => {
    const left = alertNames().filter((alert) => !driven.has(alert))
    expect(left.sort()).toEqual(Object.keys(NOT_DRIVEN).sort())
  })

  it('raises only alerts that there are', () => {
    expect([...driven].filter((alert) => !alertNames().includes(alert))).toEqual([])
  })
})
