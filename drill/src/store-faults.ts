import { setTimeout as sleep } from 'node:timers/promises'
import type { DrillStore } from './drill-store.js'
import type { Fault } from './fault.js'

const STALL_MS = 250
/** Between two of them the store answers what has gathered. */
const PAUSE_MS = 20

function slow(store: DrillStore): Fault {
  let isOver = false
  let stalling: Promise<void> | undefined
  return {
    what: `${store.name} stands still for ${STALL_MS} ms again and again`,
    alerts: ['FLKDedupStoreSlowness warning'],
    obstacle: async () => (store.stall ? undefined : `${store.name} cannot be told to stand still`),
    begin: async () => {
      stalling = (async () => {
        while (!isOver) {
          await store.stall?.(STALL_MS)
          await sleep(PAUSE_MS)
        }
      })()
    },
    end: async () => {
      isOver = true
      await stalling
    },
  }
}

function stopped(store: DrillStore): Fault {
  const name = store.name === 'redis' ? 'Redis' : 'Postgres'
  return {
    what: `${name} is stopped`,
    alerts: [
      `FLK${name}Down critical`,
      'FLKHighServerErrors warning',
      'FLKAvailabilityBurn page',
      'FLKWALPendingOld warning',
      'FLKAvailabilityBurn warning',
    ],
    begin: () => store.stop(),
    end: () => store.restart(),
  }
}

export function storeFaults(store: DrillStore | undefined): readonly Fault[] {
  return store ? [slow(store), stopped(store)] : []
}
