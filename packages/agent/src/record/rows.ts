import type { Events } from './csv.js'
import { fixed9 } from './fixed-decimal.js'

/** Far beyond any CSV that is taken, unless its timestamps have hundreds of digits. */
const ROWS_LENGTH_MAX = 256 * 1024 * 1024

/**
 * The rows as the Merkle root and r see them (the contract, section 3): the time with nine decimals, then x,
 * y, z as they were written, joined by commas; rows joined by a line feed, none at the end.
 *
 * @throws RangeError beyond 256 MiB
 */
export function rowsText(events: Events): string {
  let length = 0
  const rows = events.written.map((coordinates, event) => {
    const row = `${fixed9(events.timestamps[event] ?? 0)},${coordinates}`
    length += row.length + 1
    if (length > ROWS_LENGTH_MAX) throw new RangeError('the rows of these events take more than 256 MiB')
    return row
  })
  return rows.join('\n')
}
