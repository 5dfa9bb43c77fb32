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
  /** How far the server's clock was ahead of that of each log, by log_id. */
  readonly clocksAheadMs: ReadonlyMap<string, number>
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
    clocksAheadMs: clocksFrom(fields.get('clocksAheadMs')),
    layout: fields.get('layout') ?? '',
    positions: new Map(positions),
    logSet: logSetFrom(fields.get('logs')),
  }
}

/** Begins a new generation; forgetting: also the positions go. */
export function beginCommands(
  key: string,
  { generation, replicationId, clocksAheadMs, layout, logSet }: Omit<MasterMarker, 'complete' | 'positions'>,
  forgetting: boolean,
): RedisCommand[] {
  const fields = {
    ...{ generation, complete: '0', replicationId, layout },
    ...{ clocksAheadMs: JSON.stringify([...clocksAheadMs]), logs: logSetText(logSet) },
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

/** A server's clock, from its reply to TIME. NaN: it did not tell it. */
export function serverClockMs(reply: Reply | undefined): number {
  const [seconds, microseconds] = partsOf(reply).map((part) => Number(String(part)))
  return Math.round((seconds ?? Number.NaN) * 1_000 + (microseconds ?? Number.NaN) / 1_000)
}

function clocksFrom(text: string | undefined): ReadonlyMap<string, number> {
  try {
    const pairs: unknown = JSON.parse(text ?? '[]')
    return new Map(
      Array.isArray(pairs) ? pairs.map(([logId, aheadMs]) => [String(logId), Number(aheadMs)]) : [],
    )
  } catch {
    return new Map()
  }
}
