// A variant of the wal whose marks are acknowledged at once and written a moment later.
import { pathToFileURL } from 'node:url'

const LATER_MS = 2_000
const main = process.argv[1]
if (main === undefined) throw new Error('there is no program to break')
const { BackedLog } = await import(new URL('./log/backed-log.js', pathToFileURL(main)).href)
const { mark } = BackedLog.prototype
if (typeof mark !== 'function') throw new Error('the log has no mark that could be broken')

/** @param {{ logId: string, mark?: { sequence: number } }[]} items */
BackedLog.prototype.mark = async function (items) {
  setTimeout(() => mark.call(this, items), LATER_MS)
  return items.map((item) => ({ logId: item.logId, sequence: item.mark?.sequence ?? 0 }))
}
