import { MalformedRecord } from '@fractal-lba/pcs'
import type { Command } from '../cli/command.js'
import { fromEnvironment } from '../cli/environment.js'
import { EXIT, Failure } from '../cli/failure.js'
import { inputName, readInput } from '../cli/files.js'
import { OUTBOX_LIMITS_NOTE, outboxOption, readOutboxPlace, withOutbox } from '../cli/outbox-options.js'
import { malformed, RECORD_BYTES_MAX } from '../cli/record-input.js'

export const outboxAdd: Command = {
  name: 'outbox add',
  summary: 'put a signed record into the outbox',
  usage: 'outbox add --in FILE [--outbox DIR] [--json]',
  options: [
    { name: 'in', value: 'FILE', help: 'the record; - reads standard input' },
    outboxOption,
    { name: 'json', help: 'print outbox_seq, pcs_id and known as one line of JSON' },
  ],
  notes: `When this ends with 0, the record is on the disk. pcs agent run and pcs outbox send submit it, as often as it
takes. Its ft.outbox_seq is set to the number that it gets; neither signature nor fingerprint covers ft.
A record that the outbox holds already is not added again.

${OUTBOX_LIMITS_NOTE}

Exit codes: 0 the outbox has it, 1 it was not taken, 2 wrong command line or environment, 3 another process has
the outbox: try again later.

Example:
  pcs build --in events.csv --shard-id shard-a --epoch 1 --seed 42 --sign | pcs outbox add --in -`,
  async run(given, terminal) {
    const path = given.required('in')
    const bytes = await readInput(path, RECORD_BYTES_MAX, terminal)
    const place = fromEnvironment(terminal, (env) => readOutboxPlace(given, env))
    const added = await withOutbox(place, terminal, false, async (outbox) => {
      try {
        return await outbox.add(bytes)
      } catch (error) {
        if (error instanceof MalformedRecord)
          throw malformed(`${inputName(path)} is not a valid record`, error)
        throw error
      }
    })
    const { seq, pcsId, known, same } = added
    if (!same) {
      throw new Failure(
        `the outbox holds another record under this pcs_id (outbox_seq ${seq}), and the first one stays\n  pcs_id  ${pcsId}`,
      )
    }
    terminal.out(
      given.has('json')
        ? `${JSON.stringify({ outbox_seq: seq, pcs_id: pcsId, known })}\n`
        : `${known ? 'in the outbox before' : 'in the outbox'}\n  outbox_seq  ${seq}\n  pcs_id      ${pcsId}\n`,
    )
    return EXIT.done
  },
}
