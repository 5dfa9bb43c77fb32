import { printable } from '@fractal-lba/runtime/text'

/** The only header that is taken, as the contract's section 3 names it. */
export const CSV_HEADER = 'timestamp,x,y,z'
/** Above this the events belong into several epochs; it bounds the memory that one build takes. */
export const CSV_SIZE_BYTES_MAX = 64 * 1024 * 1024
/** Beyond it a coordinate times a scale, or a projection, would leave the range of a double. */
const MAGNITUDE_MAX = 1e290

const COLUMNS = ['timestamp', 'x', 'y', 'z'] as const
/** The exact value of a double has at most some 770 digits. */
const FIELD_CHARACTERS_MAX = 1_024
const LINE_CHARACTERS_MAX = COLUMNS.length * FIELD_CHARACTERS_MAX + COLUMNS.length - 1
/** Digits are matched in one way only, so that what is no number is refused in linear time. */
const NUMBER = /^[ \t]*[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[ \t]*$/
const NON_FINITE = /^\s*[+-]?(?:nan|inf|infinity)\s*$/i

/** Points in space; the three arrays are as long as there are events. */
export interface Points {
  readonly x: Float64Array
  readonly y: Float64Array
  readonly z: Float64Array
}

/** What a CSV of events holds: numbers to compute with, and the coordinates as they were written. */
export interface Events {
  readonly count: number
  readonly timestamps: Float64Array
  readonly points: Points
  /** `x,y,z` of each event, character for character. */
  readonly written: readonly string[]
}

/** A CSV that cannot be read. The message is `file:line: what is wrong`; lines count from 1. */
export class MalformedCsv extends Error {
  override readonly name = 'MalformedCsv'
  readonly file: string
  readonly line: number
  readonly detail: string

  constructor(file: string, line: number, detail: string) {
    super(`${file}:${line}: ${detail}`)
    this.file = file
    this.line = line
    this.detail = detail
  }
}

/**
 * Reads events from CSV with the header `timestamp,x,y,z`. An empty file, or a header alone, holds no
 * events. CRLF line ends and blank lines at the end are taken; quotes, a byte-order mark and anything that
 * is not a finite number are not.
 *
 * @param file how errors name the input
 * @throws MalformedCsv at the first line that is wrong
 */
export function readEvents(csv: string | Uint8Array, file = 'events.csv'): Events {
  const text = typeof csv === 'string' ? csv : decode(csv, file)
  if (text.length > CSV_SIZE_BYTES_MAX) throw tooLargeCsv(file)
  if (text.startsWith('\ufeff')) {
    throw new MalformedCsv(file, 1, 'starts with a byte-order mark (BOM); save it as UTF-8 without one')
  }
  const lines = linesOf(text)
  const header = lines[0]
  if (header !== undefined && header !== CSV_HEADER) {
    throw new MalformedCsv(file, 1, `the header must be ${CSV_HEADER}, found ${shown(header)}`)
  }
  const count = Math.max(0, lines.length - 1)
  const numbers = COLUMNS.map(() => new Float64Array(count))
  const written: string[] = []
  for (let event = 0; event < count; event++) {
    const line = lines[event + 1] ?? ''
    const fields = fieldsOf(line, file, event + 2)
    for (const [column, name] of COLUMNS.entries()) {
      const target = numbers[column]
      if (target) target[event] = numberOf(fields[column] ?? '', name, file, event + 2)
    }
    written.push(line.slice(line.indexOf(',') + 1))
  }
  const [timestamps = new Float64Array(), x = timestamps, y = timestamps, z = timestamps] = numbers
  return { count, timestamps, points: { x, y, z }, written }
}

function decode(bytes: Uint8Array, file: string): string {
  if (bytes.length > CSV_SIZE_BYTES_MAX) throw tooLargeCsv(file)
  const utf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)
  if (utf16) throw new MalformedCsv(file, 1, 'is UTF-16 text (it has its BOM); save it as UTF-8')
  // Not fatal on purpose: a broken byte becomes U+FFFD, which is no number, so the error has its line.
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
}

/** What a file beyond the limit is answered with. */
export function tooLargeCsv(file: string, sizeBytesMax = CSV_SIZE_BYTES_MAX): MalformedCsv {
  const size = sizeBytesMax % 2 ** 20 === 0 ? `${sizeBytesMax / 2 ** 20} MiB` : `${sizeBytesMax} bytes`
  return new MalformedCsv(file, 1, `is larger than ${size}; split the events into several epochs`)
}

function linesOf(text: string): string[] {
  const lines = text.split('\n').map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line))
  while (lines.length > 0 && lines.at(-1)?.trim() === '') lines.pop()
  return lines
}

function fieldsOf(line: string, file: string, number: number): string[] {
  if (line.length > LINE_CHARACTERS_MAX) {
    throw new MalformedCsv(file, number, `has more than ${LINE_CHARACTERS_MAX} characters`)
  }
  if (line.trim() === '') throw new MalformedCsv(file, number, 'is blank, but events follow; remove the line')
  if (line.includes('"')) {
    throw new MalformedCsv(file, number, 'has quotes; write the numbers plainly, without quotes')
  }
  const fields = line.split(',')
  if (fields.length < COLUMNS.length) {
    const missing = COLUMNS.slice(fields.length).join(', ')
    throw new MalformedCsv(file, number, `has ${fields.length} of 4 columns; missing: ${missing}`)
  }
  if (fields.length > COLUMNS.length) {
    throw new MalformedCsv(
      file,
      number,
      `has ${fields.length} columns, 4 are due (a decimal comma? write a point)`,
    )
  }
  return fields
}

function numberOf(field: string, column: string, file: string, line: number): number {
  if (field.length > FIELD_CHARACTERS_MAX) {
    throw new MalformedCsv(file, line, `column ${column} has more than ${FIELD_CHARACTERS_MAX} characters`)
  }
  if (field.trim() === '') throw new MalformedCsv(file, line, `column ${column} is empty`)
  const value = NUMBER.test(field) ? Number(field) : Number.NaN
  if (NON_FINITE.test(field) || Math.abs(value) === Number.POSITIVE_INFINITY) {
    throw new MalformedCsv(file, line, `column ${column} is not finite: ${shown(field)}`)
  }
  if (Number.isNaN(value)) {
    throw new MalformedCsv(file, line, `column ${column} is not a number: ${shown(field)}`)
  }
  if (column !== 'timestamp' && Math.abs(value) > MAGNITUDE_MAX) {
    throw new MalformedCsv(
      file,
      line,
      `column ${column} is beyond ${MAGNITUDE_MAX}, too large to compute with: ${shown(field)}`,
    )
  }
  return value
}

/** Quoted, escaped and short, so that no input can forge a line of output. */
function shown(text: string): string {
  const short = text.length > 40 ? `${text.slice(0, 40)}…` : text
  return printable(JSON.stringify(short))
}
