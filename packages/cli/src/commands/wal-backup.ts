import type { Backup, PinnedLog } from '@fractal-lba/log-tools'
import { printable } from '@fractal-lba/runtime/text'
import type { Command } from '../cli/command.js'
import { EXIT, Failure } from '../cli/failure.js'
import { walDirectory, walDirectoryOption, withPinnedLog } from '../cli/wal-options.js'

export const walBackup: Command = {
  name: 'wal backup',
  summary: 'copy a log while it is written, and verify the copy',
  usage: 'wal backup --to TARGET [--dir DIR] [--json]',
  options: [
    { name: 'to', value: 'TARGET', help: 'the directory of the copy: made here, or empty' },
    walDirectoryOption,
    { name: 'json', help: 'print the report as one line of JSON' },
  ],
  notes: `The copy is the log as it was when the command began: all that was acknowledged by then is in it, whatever
is written, compacted or removed meanwhile. It takes no lock. A plain cp or rsync of a live directory is
none: it can copy a later write and miss an earlier one. Quarantined segments are copied, files that end
in .torn are not. Files are flushed, then every frame of the copy is verified. The copy is made in
TARGET.partial-… and gets its name when it is whole: what an ended command left there is no backup, and
may be removed. TARGET can lie on another disk, but a mount point itself it cannot be.

To restore: stop the wal service, put the copy in the place of its directory (WAL_DIR), start. The start
cuts off a torn end, and unfinished submissions are replayed. Keep the head that is printed: it shows
later that the copy is whole (pcs wal verify --dir TARGET --head CHAIN).

Exit codes: 0 copied and sound, 1 not possible, or the log is damaged, 2 wrong command line.

Example:
  pcs wal backup --dir data/wal --to /backup/wal-$(date +%F)`,
  async run(given, terminal) {
    const target = given.required('to')
    const directory = walDirectory(given, terminal)
    const { verifyPinned } = await import('@fractal-lba/log-tools')
    const copied = await withPinnedLog(directory, 'copying', terminal, (pinned, progress) =>
      copy(pinned, target, progress.add),
    )
    const { log } = await withPinnedLog(target, 'verifying', terminal, (pinned) =>
      verifyPinned(pinned, undefined, () => undefined),
    )
    const { segments, sizeBytes } = copied
    terminal.out(
      given.has('json')
        ? `${JSON.stringify({
            directory,
            target,
            log_id: log.logId,
            segments,
            size_bytes: sizeBytes,
            records: log.records,
            sound: log.sound,
            head: log.head,
          })}\n`
        : [
            `${printable(target)}: log ${log.logId}, ${segments} segments, ${sizeBytes} bytes, ${log.records} records`,
            `head: record ${log.head.sequence}, chain ${log.head.chain}\n`,
          ].join('\n'),
    )
    if (log.sound) return EXIT.done
    if (given.has('json')) return EXIT.refused
    throw new Failure('the copy is as damaged as the log is: pcs wal verify tells where')
  },
}

async function copy(
  pinned: PinnedLog,
  target: string,
  onCopied: (sizeBytes: number) => void,
): Promise<Backup> {
  const { backUp, TargetNotEmptyError } = await import('@fractal-lba/log-tools')
  try {
    return await backUp(pinned, target, onCopied)
  } catch (error) {
    if (error instanceof TargetNotEmptyError) throw new Failure(printable(error.message))
    if (!(error instanceof Error) || !('code' in error)) throw error
    throw new Failure(`cannot write the copy to ${printable(target)}: ${error.code}`, EXIT.refused, {
      cause: error,
    })
  }
}
