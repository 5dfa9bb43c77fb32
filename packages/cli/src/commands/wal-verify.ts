import type { HeadFinding, Verification } from '@fractal-lba/log-tools'
import { printable } from '@fractal-lba/runtime/text'
import type { Command, Terminal } from '../cli/command.js'
import { EXIT, Failure, usageError } from '../cli/failure.js'
import { READ_ONLY_NOTE, walDirectory, walDirectoryOption, withPinnedLog } from '../cli/wal-options.js'

/** So many damaged ranges of a segment are shown one by one. */
const RANGES_SHOWN_MAX = 20

export const walVerify: Command = {
  name: 'wal verify',
  summary: 'check every record of a log and its hash chain',
  usage: 'wal verify [--dir DIR] [--head CHAIN] [--json]',
  options: [
    walDirectoryOption,
    {
      name: 'head',
      value: 'CHAIN',
      help: 'the head of the chain as it was kept elsewhere: its 64 lower-case hexadecimal\ndigits, or the first 12 of them; the log must hold it',
    },
    { name: 'json', help: 'print the report as one line of JSON' },
  ],
  notes: `Each frame is read whole: its CRC32C, the digest of its body, its sequence, its flush group, its link of
the hash chain; and each segment must begin where the one before it ends. A tail that was cut off
cleanly leaves a sound log: it shows only against a head that was kept, from the last line of this
command, or from the metric wal_head_chain: printf %012x VALUE gives its first 12 digits. Records that came after that head are no fault.

${READ_ONLY_NOTE} Bytes at the end that are no whole
flush group are a write under way, or what a crash left of one; the next start cuts them off.

Exit codes: 0 sound, 1 damaged, or the head is not in it, or there is no log, 2 wrong command line.

Examples:
  pcs wal verify --dir data/wal
  pcs wal verify --dir data/wal --head "$(cat head-of-last-night)"`,
  async run(given, terminal) {
    const directory = walDirectory(given, terminal)
    const head = given.text('head')
    if (head !== undefined && !/^(?:[0-9a-f]{12}|[0-9a-f]{64})$/.test(head)) {
      throw usageError('--head must be 64 lower-case hexadecimal digits, or the first 12 of them')
    }
    const { verifyPinned } = await import('@fractal-lba/log-tools')
    const found = await withPinnedLog(directory, 'verifying', terminal, (pinned, progress) =>
      verifyPinned(pinned, head, () => progress.begin(pinned.sizeBytes)),
    )
    if (given.has('json')) terminal.out(`${JSON.stringify(jsonOf(directory, found))}\n`)
    else printText(directory, found, terminal)
    const failures = [
      found.log.sound ? undefined : 'the log is damaged: see above; a start serves what is intact of it',
      found.head && headFailure(found.head),
    ].filter((sentence) => sentence !== undefined)
    if (failures.length === 0) return EXIT.done
    if (given.has('json')) return EXIT.refused
    throw new Failure(failures.join('; '))
  },
}

function headFailure(head: HeadFinding): string | undefined {
  if (head.kind !== 'missing') return undefined
  return 'no record of the log has the head that was given: its tail was cut off, or it is another log'
}

function printText(directory: string, { segments, log, head }: Verification, terminal: Terminal): void {
  terminal.out(
    `${printable(directory)}: log ${log.logId}, ${segments.length} segments, ${log.records} records\n`,
  )
  for (const segment of segments) {
    const { frames, dropped, damage, objection, tornAt } = segment
    const found: string[] = []
    if (segment.quarantined) found.push('quarantined')
    if (objection !== undefined) found.push(objection)
    if (tornAt !== undefined) found.push(`the end is no whole flush group, from byte ${tornAt} on`)
    else if (damage.length > 0) found.push('damaged')
    const records =
      frames === 0
        ? 'no records'
        : `records ${segment.firstSequence} to ${segment.lastSequence}, ${frames} intact`
    const bodies = dropped === 0 ? '' : `, ${dropped} without their bodies`
    terminal.out(`${segment.segment}  ${records}${bodies}: ${found.join('; ') || 'sound'}\n`)
    for (const range of damage.slice(0, RANGES_SHOWN_MAX)) {
      terminal.out(
        `  bytes ${range.start} to ${range.end - 1}, after record ${range.afterSequence}: ${range.reason}\n`,
      )
    }
    if (damage.length > RANGES_SHOWN_MAX) {
      terminal.out(`  and ${damage.length - RANGES_SHOWN_MAX} more damaged ranges (--json shows all)\n`)
    }
  }
  if (head?.kind === 'same') terminal.out('the head is the one that was given\n')
  if (head?.kind === 'grown') {
    const since = log.head.sequence - head.sequence
    terminal.out(`the head that was given is record ${head.sequence}; ${since} records came after it\n`)
  }
  terminal.out(`head: record ${log.head.sequence}, chain ${log.head.chain}\n`)
}

function jsonOf(directory: string, { segments, log, head }: Verification): Readonly<Record<string, unknown>> {
  return {
    directory,
    log_id: log.logId,
    sound: log.sound,
    records: log.records,
    head: log.head,
    ...(head && {
      given_head: head.kind,
      ...(head.kind === 'grown' && { given_head_sequence: head.sequence }),
    }),
    segments: segments.map((segment) => ({
      segment: segment.segment,
      quarantined: segment.quarantined,
      size_bytes: segment.sizeBytes,
      first_sequence: segment.firstSequence,
      last_sequence: segment.lastSequence,
      records: segment.frames,
      dropped_bodies: segment.dropped,
      damage: segment.damage.map(({ start, end, reason, afterSequence }) => ({
        start,
        end,
        reason,
        after_sequence: afterSequence,
      })),
      objection: segment.objection ?? null,
      torn_at: segment.tornAt ?? null,
    })),
  }
}
