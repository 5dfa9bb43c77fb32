import { type LogLevel, logLevels } from './log-level.js'
import { serviceNames } from './topology.js'

const LEVELS: readonly string[] = logLevels
/** The longest name of a process is `signal-scoring`. */
const NAME_WIDTH = 14
const LEVEL_WIDTH = 5
/** What every line has, or what the line for a person shows elsewhere. */
const SHOWN_ELSEWHERE = new Set(['level', 'time', 'service', 'msg', 'err'])

/**
 * A line of a process for a person: `12:03:04 wal            warn  the disk is nearly full`. What is not a log
 * line of the product (a crash of Node, a mistake in the environment) is shown as it is, after the name.
 * @returns undefined for a log line below the level.
 */
export function humanLine(service: string, text: string, shown: LogLevel): string | undefined {
  const entry = parseEntry(text)
  if (!entry) return eventLine(service, text)
  const rank = LEVELS.indexOf(entry.level)
  if (rank >= 0 && rank < LEVELS.indexOf(shown)) return undefined
  const more = detailsOf(entry.fields)
  return row(
    clock(entry.time),
    nameIn(entry) ?? service,
    `${entry.level.padEnd(LEVEL_WIDTH)} ${entry.message}${more}`,
  )
}

/** What a line says, without its clock and its process. */
export function messageOf(text: string): string {
  const entry = parseEntry(text)
  return printable(entry ? `${entry.level}: ${entry.message}${detailsOf(entry.fields)}` : text)
}

/** A line of the supervisor about a process, or one that a process wrote outside its log. */
export function eventLine(service: string, text: string): string {
  return row(clock(new Date()), service, text)
}

/** Who wrote the line: one process may have several services. */
function nameIn({ fields: { service } }: Entry): string | undefined {
  return serviceNames.find((name) => name === service)
}

function row(time: string, service: string, text: string): string {
  return `${time} ${service.padEnd(NAME_WIDTH)} ${printable(text)}`
}

interface Entry {
  readonly level: string
  readonly time: Date
  readonly message: string
  readonly fields: Readonly<Record<string, unknown>>
}

function parseEntry(text: string): Entry | undefined {
  if (!text.startsWith('{')) return undefined
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // Not a log line: it is shown as it is.
    return undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  const fields: Readonly<Record<string, unknown>> = { ...value }
  const { level, time, msg } = fields
  if (typeof level !== 'string') return undefined
  const date = new Date(typeof time === 'string' ? time : Date.now())
  return { level, time: date, message: typeof msg === 'string' ? msg : '', fields }
}

/** The other fields of an entry, and of an error what its message adds. */
function detailsOf(fields: Readonly<Record<string, unknown>>): string {
  const { err, msg } = fields
  const cause = typeof err === 'object' && err !== null && 'message' in err ? err.message : undefined
  const parts = typeof cause === 'string' && cause !== msg ? [`(${cause})`] : []
  for (const [name, value] of Object.entries(fields)) {
    if (!SHOWN_ELSEWHERE.has(name)) {
      parts.push(`${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    }
  }
  return parts.map((part) => ` ${part}`).join('')
}

function clock(time: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0')
  return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`
}

/** Control characters are written out: what came from outside must neither forge a line nor steer a terminal. */
function printable(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\u2028\u2029]/gu,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  )
}
