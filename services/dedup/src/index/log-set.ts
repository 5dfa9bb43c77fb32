import type { wal } from '@fractal-lba/proto'

/**
 * The logs that a store is the index of, by log_id. Both sets only grow, so that what several places know of them, the
 * store and each log, is put together by union, in any order.
 */
export interface LogSet {
  readonly logIds: ReadonlySet<string>
  /** Those of them that it is the index of no longer, for good. */
  readonly retiredIds: ReadonlySet<string>
}

export const NO_LOGS: LogSet = { logIds: new Set(), retiredIds: new Set() }

export function logSetOf(logIds: Iterable<string>, retiredIds: Iterable<string> = []): LogSet {
  return { logIds: new Set(logIds), retiredIds: new Set(retiredIds) }
}

export function unionOf(...sets: readonly LogSet[]): LogSet {
  return logSetOf(
    sets.flatMap(({ logIds }) => [...logIds]),
    sets.flatMap(({ retiredIds }) => [...retiredIds]),
  )
}

/** What the newest fence in a log says. */
export function fencedLogSet(state: Pick<wal.GetStateResponse, 'indexLogIds' | 'retiredLogIds'>): LogSet {
  return logSetOf(state.indexLogIds, state.retiredLogIds)
}

/** Those that count. */
export function currentLogs({ logIds, retiredIds }: LogSet): ReadonlySet<string> {
  return new Set([...logIds].filter((logId) => !retiredIds.has(logId)))
}

/** How the logs that a process reaches differ from those of the store. */
export interface LogDifference {
  /** Reached, and not indexed yet: a fill must read them. */
  readonly added: readonly string[]
  /** Indexed, and not reached: each may be one that is absent now, or one that this process does not know. */
  readonly missing: readonly string[]
}

/** @param reached the ids of the logs that could be asked; retired ones do not matter */
export function differenceOf(known: LogSet, reached: Iterable<string>): LogDifference {
  const current = currentLogs(known)
  const own = new Set([...reached].filter((logId) => !known.retiredIds.has(logId)))
  return {
    added: [...own].filter((logId) => !current.has(logId)),
    missing: [...current].filter((logId) => !own.has(logId)),
  }
}

export function haveSameLogs(one: LogSet, other: LogSet): boolean {
  const [ours, theirs] = [currentLogs(one), currentLogs(other)]
  return ours.size === theirs.size && [...ours].every((logId) => theirs.has(logId))
}

/** Why there can be no index here. @param unknown how many of the missing ones cannot be those that are absent */
export function lacksLogs(missing: readonly string[], unknown: number): string {
  const which = missing.length === unknown ? missing.join(', ') : `${unknown} of ${missing.join(', ')}`
  return `WAL_ADDR here lacks logs that the store is the index of (${which}): name every log here as everywhere. One that was drained is retired before it goes; one whose disk is lost is given up (pcs dedup logs retire --lost)`
}

/** For a store. */
export function logSetText({ logIds, retiredIds }: LogSet): string {
  return JSON.stringify({ logs: [...logIds], retired: [...retiredIds] })
}

/** Nothing where it is no such text: then the store is filled again, and the logs know the set. */
export function logSetFrom(text: unknown): LogSet {
  if (typeof text !== 'string') return NO_LOGS
  try {
    const { logs, retired }: { logs?: unknown; retired?: unknown } = Object(JSON.parse(text))
    return logSetOf(texts(logs), texts(retired))
  } catch {
    return NO_LOGS
  }
}

function texts(values: unknown): string[] {
  return Array.isArray(values) ? values.map(String) : []
}
