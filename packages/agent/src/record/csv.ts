import { printable } from '@fractal-lba/runtime/text'

/** The only header that is taken, as the contract's section 3 names it. */
export const CSV_HEADER = 'timestamp,x,y,z'
/** Above this the events belong into several epochs; it bounds the memory that one build takes. */
export const CSV_SIZE_BYTES_MAX = 64 * 1024 * 1024
/** Beyond it a coordinate times a scale, or a projection, would leave the range of a double. */
const MAGNITUDE_MAX = 1e290

const LINE_FEED = 0x0a
const CARRIAGE_RETURN = 0x0d

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

/** What a CSV of events holds: numbers to compute with, and where their coordinates stand as they were written. */
export interface Events {
  readonly count: number
  readonly timestamps: Float64Array
  readonly points: Points
  readonly written: WrittenCoordinates
}

/** `x,y,z` of each event, character for character: `csv` from `starts` to `ends`, in bytes. */
export interface WrittenCoordinates {
  readonly csv: Buffer
  readonly starts: Uint32Array
  readonly ends: Uint32Array
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
  const bytes = typeof csv === 'string' ? Buffer.from(csv) : bufferOver(csv)
  if (bytes.length > CSV_SIZE_BYTES_MAX) throw tooLargeCsv(file)
  refuseByteOrderMark(bytes, file)
  const events = new EventColumns(bytes)
  let blankLine = 0
  let number = 0
  for (let start = 0; start < bytes.length; ) {
    number += 1
    const feed = bytes.indexOf(LINE_FEED, start)
    const next = feed < 0 ? bytes.length : feed
    const end = next > start && bytes[next - 1] === CARRIAGE_RETURN ? next - 1 : next
    // What is cut off here makes the line too long all the same.
    const line = bytes.toString('utf8', start, Math.min(end, start + 4 * LINE_CHARACTERS_MAX + 4))
    if (line.trim() === '') {
      if (blankLine === 0) blankLine = number
    } else if (number === 1 || blankLine === 1) {
      const header = blankLine === 1 ? '' : line
      if (header !== CSV_HEADER) {
        throw new MalformedCsv(file, 1, `the header must be ${CSV_HEADER}, found ${shown(header)}`)
      }
    } else {
      if (blankLine > 0) {
        throw new MalformedCsv(file, blankLine, 'is blank, but events follow; remove the line')
      }
      const fields = fieldsOf(line, file, number)
      const numbers = COLUMNS.map((name, column) => numberOf(fields[column] ?? '', name, file, number))
      events.add(numbers, start + line.indexOf(',') + 1, end)
    }
    start = next + 1
  }
  return events.whole()
}

/** Arrays that grow by one event at a time; a line of an event has at least `0,0,0,0` and its end. */
class EventColumns {
  readonly #csv: Buffer
  readonly #columns: readonly Float64Array[]
  readonly #starts: Uint32Array
  readonly #ends: Uint32Array
  #count = 0

  constructor(csv: Buffer) {
    const most = Math.min(lineFeeds(csv), Math.floor(csv.length / 8)) + 1
    this.#csv = csv
    this.#columns = COLUMNS.map(() => new Float64Array(most))
    this.#starts = new Uint32Array(most)
    this.#ends = new Uint32Array(most)
  }

  add(numbers: readonly number[], start: number, end: number): void {
    for (const [column, target] of this.#columns.entries()) target[this.#count] = numbers[column] ?? 0
    this.#starts[this.#count] = start
    this.#ends[this.#count] = end
    this.#count += 1
  }

  whole(): Events {
    const count = this.#count
    const [timestamps = new Float64Array(), x = timestamps, y = timestamps, z = timestamps] =
      this.#columns.map((column) => column.subarray(0, count))
    const written = {
      csv: this.#csv,
      starts: this.#starts.subarray(0, count),
      ends: this.#ends.subarray(0, count),
    }
    return { count, timestamps, points: { x, y, z }, written }
  }
}

function bufferOver({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength)
}

function lineFeeds(bytes: Buffer): number {
  let count = 0
  for (let at = bytes.indexOf(LINE_FEED); at >= 0; at = bytes.indexOf(LINE_FEED, at + 1)) count += 1
  return count
}

function refuseByteOrderMark(bytes: Buffer, file: string): void {
  const begins = (...mark: readonly number[]): boolean => mark.every((byte, at) => bytes[at] === byte)
  if (begins(0xff, 0xfe) || begins(0xfe, 0xff)) {
    throw new MalformedCsv(file, 1, 'is UTF-16 text (it has its BOM); save it as UTF-8')
  }
  if (begins(0xef, 0xbb, 0xbf)) {
    throw new MalformedCsv(file, 1, 'starts with a byte-order mark (BOM); save it as UTF-8 without one')
  }
}

/** What a file beyond the limit is answered with. */
export function tooLargeCsv(file: string, sizeBytesMax = CSV_SIZE_BYTES_MAX): MalformedCsv {
  const size = sizeBytesMax % 2 ** 20 === 0 ? `${sizeBytesMax / 2 ** 20} MiB` : `${sizeBytesMax} bytes`
  return new MalformedCsv(file, 1, `is larger than ${size}; split the events into several epochs`)
}

function fieldsOf(line: string, file: string, number: number): string[] {
  if (line.length > LINE_CHARACTERS_MAX) {
    throw new MalformedCsv(file, number, `has more than ${LINE_CHARACTERS_MAX} characters`)
  }
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
