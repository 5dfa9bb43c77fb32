import type { AuditTrail } from '@fractal-lba/log-tools'
import { printable } from '@fractal-lba/runtime/text'
import type { Command } from '../cli/command.js'
import { EXIT, Failure, usageError } from '../cli/failure.js'
import { READ_ONLY_NOTE, walDirectory, walDirectoryOption, withPinnedLog } from '../cli/wal-options.js'

export const audit: Command = {
  name: 'audit',
  summary: 'show from the log what became of a record, with proof',
  usage: 'audit PCS_ID [--dir DIR] [--json]',
  positionals: ['PCS_ID'],
  options: [walDirectoryOption, { name: 'json', help: 'print the audit as one line of JSON' }],
  notes: `PCS_ID is the pcs_id of the record: 64 lower-case hexadecimal digits.

It prints the verdict that stands under the id, when and with which key and parameters it was reached,
and every submission under that id with what became of it. The proof of each: SHA-256 of the previous
chain, the record's header and its body's digest, recomputed here, is the chain that the record states,
and so is every link from its segment's start to it and from there to the head of the log. Compare the
head with one that was kept elsewhere: pcs wal verify --head.

The whole log is read. An attempt that was refused (400, 401) is found by its body: when compaction has
dropped that, it is no longer known whose it was.

${READ_ONLY_NOTE}

Exit codes: 0 found and proved, 1 not found, or the proof fails, or there is no log, 2 wrong command line.

Example:
  pcs audit 0f9c…e1 --dir data/wal`,
  async run(given, terminal) {
    const pcsId = given.positional('PCS_ID')
    if (!/^[0-9a-f]{64}$/.test(pcsId)) throw usageError('PCS_ID must be 64 lower-case hexadecimal digits')
    const directory = walDirectory(given, terminal)
    const { auditPinned, auditJson, auditText } = await import('@fractal-lba/log-tools')
    const trail = await withPinnedLog(directory, 'reading', terminal, (pinned, progress) =>
      auditPinned(pinned, pcsId, () => progress.begin(pinned.sizeBytes)),
    )
    const json = given.has('json')
    if (json) terminal.out(`${JSON.stringify(auditJson(directory, trail))}\n`)
    const failures = await failuresOf(trail)
    if (!json && (trail.attempts.length > 0 || trail.strayMarks.length > 0)) terminal.out(auditText(trail))
    if (failures.length === 0) return EXIT.done
    if (json) return EXIT.refused
    throw new Failure(failures.join('; '))
  },
}

async function failuresOf(trail: AuditTrail): Promise<string[]> {
  const { holds, isTiedToHead } = await import('@fractal-lba/log-tools')
  const { pcsId, attempts, strayMarks, fingerprints } = trail
  const records = [...attempts, ...attempts.flatMap(({ marks }) => marks), ...strayMarks]
  if (records.length === 0) return [`the log holds no submission with the pcs_id ${printable(pcsId)}`]
  const unproved = records.filter((record) => !holds(record)).map(({ sequence }) => sequence)
  const failures: string[] = []
  if (unproved.length > 0) failures.push(`the proof fails for record ${unproved.join(', ')}`)
  if (!records.every((record) => isTiedToHead(trail, record))) {
    failures.push(
      'the chain does not hold from these records to the head: records are damaged (pcs wal verify)',
    )
  }
  if (fingerprints.length > 1) {
    failures.push(
      'INTEGRITY ALARM: the marks of this pcs_id carry different fingerprints, which no fault may produce',
    )
  }
  return failures
}
