import type { Command } from '../cli/command.js'
import { fromEnvironment } from '../cli/environment.js'
import { EXIT } from '../cli/failure.js'
import { outboxOption, readOutboxPlace, withOutbox } from '../cli/outbox-options.js'

export const outboxCompact: Command = {
  name: 'outbox compact',
  summary: 'drop acknowledged records from the outbox',
  usage: 'outbox compact [--drop-dead] [--drop-conflicts] [--outbox DIR] [--json]',
  options: [
    { name: 'drop-dead', help: 'drop dead letters too; dead-letters.jsonl keeps its lines' },
    { name: 'drop-conflicts', help: 'drop conflicts too; conflicts.jsonl keeps its lines' },
    outboxOption,
    { name: 'json', help: 'print how many records there were and are as one line of JSON' },
  ],
  notes: `The log is written anew and takes the place of the old one at once, so nothing is lost when this is
interrupted. What has no verdict yet always stays, and outbox_seq goes on from where it was. pcs agent run
compacts its outbox by itself when it holds some ten thousand acknowledged records.

Exit codes: 0 done, 1 not possible, 2 wrong command line or environment, 3 another process has the outbox:
stop it first.`,
  async run(given, terminal) {
    const place = fromEnvironment(terminal, (env) => readOutboxPlace(given, env))
    const report = await withOutbox(place, terminal, true, (outbox) =>
      outbox.compact({ dropDead: given.has('drop-dead'), dropConflicts: given.has('drop-conflicts') }),
    )
    const { entriesBefore, entriesAfter } = report
    terminal.out(
      given.has('json')
        ? `${JSON.stringify({ entries_before: entriesBefore, entries_after: entriesAfter })}\n`
        : `${entriesBefore - entriesAfter} dropped, ${entriesAfter} kept\n`,
    )
    return EXIT.done
  },
}
