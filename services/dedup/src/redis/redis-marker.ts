import type { Clock } from '@fractal-lba/runtime'
import { type LogSet, logSetFrom, logSetText } from '../index/log-set.js'
import { partsOf, type RedisCommand, type Reply } from './redis-link.js'
import { MARK } from './scripts.js'

/**
 * The marker of one master: a hash that says under which generation it was filled, as which server, by which clock,
 * and up to where it holds the marks of each log. Whatever empties the server takes the marker with it.
 */
export interface MasterMarker {
  readonly generation: string
  readonly complete: boolean
  readonly replicationId: string
  /** How far the server's clock was ahead of the log's. */
  readonly clockAheadMs: number
  readonly layout: string
  readonly positions: ReadonlyMap<string, number>
  readonly logSet: LogSet
}

const POSITION = 'position:'

export const markerKey = (tag: string): string => `flk:${tag}marker`

/** @param reply of HGETALL */
export function readMarker(reply: Reply | undefined): MasterMarker {
  const fields = new Map<string, string>()
  const parts = partsOf(reply).map(String)
  for (let index = 0; index + 1 < parts.length; index += 2) {
    fields.set(parts[index] ?? '', parts[index + 1] ?? '')
  }
  const positions = [...fields].flatMap(([name, value]): [string, number][] =>
    name.startsWith(POSITION) ? [[name.slice(POSITION.length), Number(value)]] : [],
  )
  return {
    generation: fields.get('generation') ?? '',
    complete: fields.get('complete') === '1',
    replicationId: fields.get('replicationId') ?? '',
    clockAheadMs: Number(fields.get('clockAheadMs') ?? Number.NaN),
    layout: fields.get('layout') ?? '',
    positions: new Map(positions),
    logSet: logSetFrom(fields.get('logs')),
  }
}

/** Begins a new generation; forgetting: also the positions go. */
export function beginCommands(
  key: string,
  { generation, replicationId, clockAheadMs, layout, logSet }: Omit<MasterMarker, 'complete' | 'positions'>,
  forgetting: boolean,
): RedisCommand[] {
  const fields = {
    ...{ generation, complete: '0', replicationId, layout },
    ...{ clockAheadMs: String(clockAheadMs), logs: logSetText(logSet) },
  }
  const set: RedisCommand = ['HSET', key, ...Object.entries(fields).flat()]
  return forgetting ? [['DEL', key], set] : [set]
}

export function completeCommand(key: string, generation: string): RedisCommand {
  return ['EVALSHA', MARK.sha1, 1, key, generation, 'complete', '1']
}

export function positionCommand(key: string, generation: string, logId: string, next: number): RedisCommand {
  return ['EVALSHA', MARK.sha1, 1, key, generation, `${POSITION}${logId}`, next]
}

/** How far a server's clock is ahead of another one, from its reply to TIME. */
export function clockAhead(reply: Reply | undefined, now: Clock): number {
  const [seconds, microseconds] = partsOf(reply).map((part) => Number(String(part)))
  return Math.round((seconds ?? Number.NaN) * 1_000 + (microseconds ?? Number.NaN) / 1_000 - now())
}
