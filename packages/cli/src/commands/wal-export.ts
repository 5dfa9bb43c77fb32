import type { PinnedLog } from '@fractal-lba/log-tools'
import type { Command, Terminal } from '../cli/command.js'
import { EXIT, Failure, usageError } from '../cli/failure.js'
import { READ_ONLY_NOTE, walDirectory, walDirectoryOption, withPinnedLog } from '../cli/wal-options.js'

const TYPES = ['submission', 'mark', 'fence', 'dead-letter', 'drive-again'] as const
type Type = (typeof TYPES)[number]

interface Range {
  readonly from: number
  readonly to: number | undefined
  readonly type: Type | undefined
}

export const walExport: Command = {
  name: 'wal export',
  summary: 'print the records of a log as lines of JSON',
  usage: 'wal export [--dir DIR] [--from N] [--to N] [--type TYPE]',
  options: [
    walDirectoryOption,
    { name: 'from', value: 'N', help: 'the first record, by its sequence (the oldest)' },
    { name: 'to', value: 'N', help: 'the last record, included (the newest)' },
    { name: 'type', value: 'TYPE', help: `only ${TYPES.join(', ')}` },
  ],
  notes: `Each line holds sequence, group, type, appended_at, encoding, body_bytes, digest, chain, and the body: of a
mark as mark, decoded; of a fence as generation; of a dead letter as dead_letter; of its release as
drive_again; of anything else as body where it is UTF-8 text, else as body_base64. Of a record whose body compaction dropped it holds "dropped":true in its place.

The bodies are what was submitted, signatures included: keep the output as you keep the log.

${READ_ONLY_NOTE} Records that
are damaged are left out, and named on standard error.

Exit codes: 0 all records of the range were printed, 1 some are damaged, or there is no log, 2 wrong command
line.

Example:
  pcs wal export --dir data/wal --type mark | jq -c 'select(.mark.status == 409)'`,
  async run(given, terminal) {
    const directory = walDirectory(given, terminal)
    const limits = { min: 1, max: Number.MAX_SAFE_INTEGER }
    const from = given.integer('from', limits) ?? 1
    const to = given.integer('to', limits)
    if (to !== undefined && to < from) throw usageError('--to must not be less than --from')
    const name = given.text('type')
    const type = TYPES.find((known) => known === name)
    if (name !== undefined && type === undefined)
      throw usageError(`--type must be one of ${TYPES.join(', ')}`)
    const missing = await withPinnedLog(directory, 'reading', terminal, (pinned, progress) =>
      printRecords(pinned, { from, to, type }, terminal, () => progress.end()),
    )
    if (missing.length === 0) return EXIT.done
    const ranges = missing.map(([first, last]) => (first === last ? `${first}` : `${first} to ${last}`))
    throw new Failure(`records that are damaged were left out: ${ranges.join(', ')}; see pcs wal verify`)
  },
}

/**
 * Gives the first and the last sequence of each gap.
 * @param begin called when the first line is about to be printed
 */
async function printRecords(
  pinned: PinnedLog,
  range: Range,
  terminal: Terminal,
  begin: () => void,
): Promise<[number, number][]> {
  const { withLogView, exportedRecord, loadBodyReader, RECORD_TYPE } = await import('@fractal-lba/log-tools')
  const bodies = await loadBodyReader()
  const wanted = range.type && RECORD_TYPE[range.type]
  return withLogView(pinned, undefined, async ({ log }) => {
    begin()
    const missing: [number, number][] = []
    const to = Math.min(range.to ?? Number.MAX_SAFE_INTEGER, log.head().sequence)
    let next = Math.max(range.from, log.status().firstSequence)
    for await (const records of log.read(range.from, { to })) {
      let lines = ''
      for (const record of records) {
        if (record.sequence > next) missing.push([next, record.sequence - 1])
        next = record.sequence + 1
        if (wanted !== undefined && record.type !== wanted) continue
        lines += `${JSON.stringify(exportedRecord(record, bodies))}\n`
      }
      terminal.out(lines)
    }
    if (next <= to) missing.push([next, to])
    return missing
  })
}
