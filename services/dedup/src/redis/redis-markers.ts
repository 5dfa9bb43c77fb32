import type { ExpiryClock } from '@fractal-lba/runtime'
import { type LogSet, NO_LOGS, unionOf } from '../index/log-set.js'
import type { Marker } from '../remote/remote-server.js'
import type { Fill } from './checked-masters.js'
import { readReplication } from './redis-info.js'
import { partsOf, type RedisCommand, type Reply } from './redis-link.js'
import { beginCommands, type MasterMarker, markerKey, readMarker, serverClockMs } from './redis-marker.js'
import type { RedisMaster, RedisMasters } from './redis-masters.js'

/** A server's clock and that of a log may drift apart so far. */
const CLOCK_DIFFERENCE_MS = 600_000
const SCAN_COUNT = '1000'

/** Runs commands on one master; every refusal is thrown. */
export type Run = (master: RedisMaster, commands: readonly RedisCommand[]) => Promise<readonly Reply[]>

/** A master's state beside the state that its marker records. */
interface SeenMaster {
  readonly master: RedisMaster
  readonly marker: MasterMarker
  readonly replicationId: string
  /** By the clock of each log: only so do all processes on this store agree whether it has jumped. */
  readonly clocksAheadMs: ReadonlyMap<string, number>
  /** By the monotonic clock of this process. */
  readonly monotonicAheadMs: number
  /** Its clock was set since it was filled, so it may have removed keys too early. */
  readonly hasJumped: boolean
}

/** Looks at all masters at once. */
export function lookAtMasters(masters: RedisMasters, run: Run, clock: ExpiryClock): Promise<SeenMaster[]> {
  return Promise.all(
    masters.list.map(async (master) => {
      const [fields, time, info] = await run(master, [
        ['HGETALL', markerKey(master.tag)],
        ['TIME'],
        ['INFO', 'replication'],
      ])
      const marker = readMarker(fields)
      const serverMs = serverClockMs(time)
      const clocksAheadMs = new Map(
        [...clock.logClocksMs()].map(([logId, logMs]) => [logId, serverMs - logMs]),
      )
      return {
        master,
        marker,
        replicationId: readReplication(String(info)).replicationId,
        clocksAheadMs,
        monotonicAheadMs: serverMs - clock.monotonicMs(),
        hasJumped: haveJumped(marker.clocksAheadMs, clocksAheadMs),
      }
    }),
  )
}

/**
 * Whether a server's clock, or that of a log, has moved against the other since the marker was written. Each log is
 * compared with itself: a process that cannot reach one of them sees the others as everybody does.
 */
function haveJumped(before: ReadonlyMap<string, number>, now: ReadonlyMap<string, number>): boolean {
  if (before.size === 0) return false // there is no marker
  const compared = [...now].flatMap(([logId, aheadMs]) => {
    const wasMs = before.get(logId)
    return wasMs === undefined ? [] : Math.abs(aheadMs - wasMs)
  })
  return compared.length === 0 || !compared.every((differenceMs) => differenceMs <= CLOCK_DIFFERENCE_MS)
}

/**
 * The marker of the store as a whole: a generation only where all masters have it and are what they were; of each
 * log the position that all of them have reached. After keys have moved from master to master, what one of them has
 * lost since may have been another one's before: then no position counts.
 */
export function joinMarkers(seen: readonly SeenMaster[], layout: string): Marker {
  const [first, ...others] = seen
  if (!first) return { generation: '', positions: new Map(), logSet: NO_LOGS }
  const isIntact = seen.every(
    ({ marker, replicationId, hasJumped }) =>
      marker.complete &&
      marker.generation === first.marker.generation &&
      marker.replicationId === replicationId &&
      !hasJumped,
  )
  const positions = new Map<string, number>()
  if (seen.every(({ marker, hasJumped }) => marker.layout === layout && !hasJumped)) {
    for (const [logId, position] of first.marker.positions) {
      const all = [position, ...others.map(({ marker }) => marker.positions.get(logId))]
      const known = all.filter((one) => one !== undefined)
      if (known.length === all.length) positions.set(logId, Math.min(...known))
    }
  }
  const logSet = unionOf(...seen.map(({ marker }) => marker.logSet))
  return { generation: isIntact ? first.marker.generation : '', positions, logSet }
}

/** Puts a new generation into all markers, with what the masters are now. */
export async function beginMasters(
  seen: readonly SeenMaster[],
  { generation, logSet }: { readonly generation: string; readonly logSet: LogSet },
  layout: string,
  run: Run,
): Promise<void> {
  for (const { master, marker, replicationId, clocksAheadMs, hasJumped } of seen) {
    // What is there would expire by the clock that it was written under.
    if (hasJumped) await clear(master, run)
    const forgets = hasJumped || marker.layout !== layout
    await run(
      master,
      beginCommands(
        markerKey(master.tag),
        { generation, replicationId, clocksAheadMs, layout, logSet },
        forgets,
      ),
    )
  }
}

/** The fill to check further commands against: the masters as they are now. */
export function fillOf(generation: string, seen: readonly SeenMaster[]): Fill {
  const masters = seen.map(({ master, replicationId, monotonicAheadMs }) => {
    return [master.tag, { replicationId, clockAheadMs: monotonicAheadMs }] as const
  })
  return { generation, masters: new Map(masters) }
}

async function clear(master: RedisMaster, run: Run): Promise<void> {
  let cursor = '0'
  do {
    const [reply] = await run(master, [['SCAN', cursor, 'MATCH', 'flk:*', 'COUNT', SCAN_COUNT]])
    const [next, keys] = partsOf(reply)
    const found = partsOf(keys).filter((key) => Buffer.isBuffer(key))
    if (found.length > 0)
      await run(
        master,
        found.map((key) => ['UNLINK', key]),
      )
    cursor = String(next ?? '0')
  } while (cursor !== '0')
}
