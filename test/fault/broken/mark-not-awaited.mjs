// A variant of the wal whose marks are acknowledged at once and written a moment later.
import { pathToFileURL } from 'node:url'

const LATER_MS = 2_000
const main = process.argv[1]
if (main === undefined) throw new Error('there is no program to break')
const { SubmissionLog } = await import(new URL('./log/backed-log.js', pathToFileURL(main)).href)
const { markDone } = SubmissionLog.prototype
if (typeof markDone !== 'function') throw new Error('the log has no markDone that could be broken')

/** @param {{ logId: string, mark?: { sequence: number } }[]} items */
SubmissionLog.prototype.markDone = async function (items) {
  setTimeout(() => markDone.call(this, items), LATER_MS)
  return items.map(({ logId, mark }) => ({ logId, sequence: mark?.sequence ?? 0 }))
}
