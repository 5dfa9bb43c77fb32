import type { Events } from './csv.js'
import { fixed9 } from './fixed-decimal.js'

/** Far beyond any CSV that is taken, unless its timestamps have hundreds of digits. */
const ROWS_BYTES_MAX = 256 * 1024 * 1024
/** A time of our days with nine decimals, the comma and the line feed. */
const TIME_BYTES_USUAL = 22
const LINE_FEED = 0x0a
const COMMA = 0x2c

/**
 * The rows as the Merkle root and r see them (the contract, section 3): the time with nine decimals, then x,
 * y, z as they were written, joined by commas; rows joined by a line feed, none at the end.
 *
 * @throws RangeError beyond 256 MiB
 */
export function rowsOf({ count, timestamps, written: { csv, starts, ends } }: Events): Buffer {
  let rows: Buffer = Buffer.allocUnsafe(Math.min(csv.length + TIME_BYTES_USUAL * count, ROWS_BYTES_MAX))
  let length = 0
  for (let event = 0; event < count; event++) {
    const time = fixed9(timestamps[event] ?? 0)
    const start = starts[event] ?? 0
    const end = ends[event] ?? start
    const needed = length + time.length + 2 + end - start
    if (needed > ROWS_BYTES_MAX) throw new RangeError('the rows of these events take more than 256 MiB')
    if (needed > rows.length) rows = grown(rows, needed)
    if (event > 0) rows[length++] = LINE_FEED
    length += rows.write(time, length, 'latin1')
    rows[length++] = COMMA
    length += csv.copy(rows, length, start, end)
  }
  return rows.subarray(0, length)
}

function grown(rows: Buffer, needed: number): Buffer {
  const larger = Buffer.allocUnsafe(Math.min(2 * needed, ROWS_BYTES_MAX))
  rows.copy(larger)
  return larger
}
