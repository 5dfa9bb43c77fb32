import type { Inspection } from '@fractal-lba/log-tools'
import { timeText } from '@fractal-lba/log-tools/mark-json'
import { printable } from '@fractal-lba/runtime/text'
import type { Command, Terminal } from '../cli/command.js'
import { EXIT } from '../cli/failure.js'
import { READ_ONLY_NOTE, walDirectory, walDirectoryOption, withPinnedLog } from '../cli/wal-options.js'

const OPEN_SHOWN_MAX = 20

export const walInspect: Command = {
  name: 'wal inspect',
  summary: 'show what a log holds: segments, records, what is open',
  usage: 'wal inspect [--dir DIR] [--json]',
  options: [
    walDirectoryOption,
    {
      name: 'json',
      help: 'print all of it as one line of JSON, each open submission and dead letter included',
    },
  ],
  notes: `Segments are sealed, active (the one that is appended to), quarantined (damaged and set aside; what is
intact in it is still served) or damaged (the next start will quarantine it). Files beside them that
end in .torn hold what a crash left of a write, cut off at a start; they are never read again. Open
submissions have no mark yet: the system finishes them by itself. Dead letters are submissions that it
could not finish for a reason of their own; they are kept until they are redriven. The generation is that of the dedup
index whose verdicts the log takes.

${READ_ONLY_NOTE} Digests are
not checked: pcs wal verify does that.

Exit codes: 0 shown, 1 there is no log or it cannot be read, 2 wrong command line.`,
  async run(given, terminal) {
    const directory = walDirectory(given, terminal)
    const { inspectPinned } = await import('@fractal-lba/log-tools')
    const found = await withPinnedLog(directory, 'reading', terminal, inspectPinned)
    if (given.has('json')) terminal.out(`${JSON.stringify(jsonOf(directory, found))}\n`)
    else printText(directory, found, terminal)
    return EXIT.done
  },
}

function printText(directory: string, found: Inspection, { out }: Terminal): void {
  const { head, segments, counts, statuses, open, deadLetters, generation, timesMs } = found
  out(`${printable(directory)}: log ${found.logId}\n`)
  out(`head         record ${head.sequence}, flush group ${head.group}, chain ${head.chain}\n`)
  if (timesMs) out(`written      ${timeText(timesMs.first)} to ${timeText(timesMs.last)}\n`)
  out(`records      ${[...counts].map(([name, count]) => `${count} ${name}`).join(', ') || 'none'}\n`)
  if (statuses.size > 0) {
    out(`marks        ${[...statuses].map(([status, count]) => `${count} with ${status}`).join(', ')}\n`)
  }
  if (found.droppedBodies > 0) out(`compacted    ${found.droppedBodies} records without their bodies\n`)
  if (found.unreadable > 0)
    out(`unreadable   ${found.unreadable} records that are no such message as their type says\n`)
  out(`generation   ${generation === '' ? 'none yet' : printable(generation)}\n`)
  out(`open         ${open.length === 0 ? 'no submissions' : `${open.length} submissions`}\n`)
  for (const { sequence, appendedAtMs } of open.slice(0, OPEN_SHOWN_MAX)) {
    out(`  record ${sequence}, since ${timeText(appendedAtMs)}\n`)
  }
  if (open.length > OPEN_SHOWN_MAX) out(`  and ${open.length - OPEN_SHOWN_MAX} more (--json shows all)\n`)
  out(`dead letters ${deadLetters.length === 0 ? 'none' : deadLetters.length}\n`)
  for (const { sequence, tries, reason, setAsideAtMs } of deadLetters.slice(0, OPEN_SHOWN_MAX)) {
    out(`  record ${sequence}, since ${timeText(setAsideAtMs)}, after ${tries} tries: ${printable(reason)}\n`)
  }
  if (deadLetters.length > OPEN_SHOWN_MAX) {
    out(`  and ${deadLetters.length - OPEN_SHOWN_MAX} more (--json shows all)\n`)
  }
  out(`segments     ${segments.length}, ${sum(found)} bytes\n`)
  for (const { name, firstSequence, lastSequence, records, sizeBytes, state, remark } of segments) {
    const range = records === 0 ? 'no records' : `records ${firstSequence} to ${lastSequence} (${records})`
    out(`  ${name}  ${state}  ${range}, ${sizeBytes} bytes${remark === undefined ? '' : `: ${remark}`}\n`)
  }
  if (found.others.length > 0) out(`beside them  ${found.others.map(printable).join(', ')}\n`)
}

function sum({ segments }: Inspection): number {
  return segments.reduce((total, { sizeBytes }) => total + sizeBytes, 0)
}

function jsonOf(directory: string, found: Inspection): Readonly<Record<string, unknown>> {
  const { timesMs } = found
  return {
    directory,
    log_id: found.logId,
    head: found.head,
    first_appended_at: timesMs ? timeText(timesMs.first) : null,
    last_appended_at: timesMs ? timeText(timesMs.last) : null,
    records: Object.fromEntries(found.counts),
    marks: Object.fromEntries(found.statuses),
    dropped_bodies: found.droppedBodies,
    unreadable: found.unreadable,
    generation: found.generation,
    open: found.open.map(({ sequence, appendedAtMs }) => ({ sequence, appended_at: timeText(appendedAtMs) })),
    dead_letters: found.deadLetters.map(({ sequence, appendedAtMs, setAsideAtMs, tries, reason }) => ({
      sequence,
      appended_at: timeText(appendedAtMs),
      set_aside_at: timeText(setAsideAtMs),
      tries,
      reason,
    })),
    size_bytes: sum(found),
    segments: found.segments.map((segment) => ({
      segment: segment.name,
      state: segment.state,
      first_sequence: segment.records === 0 ? 0 : segment.firstSequence,
      last_sequence: segment.records === 0 ? 0 : segment.lastSequence,
      records: segment.records,
      size_bytes: segment.sizeBytes,
      remark: segment.remark ?? null,
    })),
    others: found.others,
  }
}
