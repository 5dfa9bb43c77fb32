import { wholeNumber } from '../cli/arguments.js'
import type { Command } from '../cli/command.js'
import { fromEnvironment } from '../cli/environment.js'
import { EXIT, Failure } from '../cli/failure.js'
import { outboxOption, readOutboxPlace, withOutbox } from '../cli/outbox-options.js'

const SEQ_LIMITS = { min: 1, max: Number.MAX_SAFE_INTEGER }

export const outboxRetry: Command = {
  name: 'outbox retry',
  summary: 'put dead letters and conflicts back, to be sent again',
  usage: 'outbox retry [ID] [--outbox DIR] [--json]',
  positionals: ['ID'],
  options: [
    outboxOption,
    { name: 'json', help: 'print the outbox_seq of what was put back as one line of JSON' },
  ],
  notes: `ID is the pcs_id or the outbox_seq of one record; without it all dead letters and conflicts are put back.

A dead letter is a record that the gateway refused for good (a 400 or 401, for instance). Retry it when the
cause is gone, such as a key that the server did not know. The bytes are sent as they are: a record that is
wrong in itself must be built anew. A record in conflict gets the same answer again, unless it was not the
gateway that gave it, or the outcome that came first has expired.

Exit codes: 0 put back, 1 there is no such record among them, 2 wrong command line or environment, 3 another process
has the outbox: stop it first.

Examples:
  pcs outbox retry
  pcs outbox retry 17`,
  async run(given, terminal) {
    const id = given.argument('ID')
    const wanted = id === undefined ? () => true : matcher(id)
    const place = fromEnvironment(terminal, (env) => readOutboxPlace(given, env))
    const revived = await withOutbox(place, terminal, true, async (outbox) => {
      const refused = [...outbox.entries()].filter(
        (entry) => (entry.state === 'dead' || entry.state === 'conflict') && wanted(entry),
      )
      for (const { seq } of refused) await outbox.revive(seq)
      return refused.map(({ seq }) => seq)
    })
    if (id !== undefined && revived.length === 0) {
      throw new Failure(`${id} is neither a dead letter nor in conflict`)
    }
    const next = revived.length > 0 ? ': pcs agent run or pcs outbox send submits them' : ''
    terminal.out(
      given.has('json')
        ? `${JSON.stringify({ put_back: revived })}\n`
        : `${revived.length} put back${next}\n`,
    )
    return EXIT.done
  },
}

/** A pcs_id has 64 digits, more than any number that is taken. */
function matcher(id: string): (entry: { readonly seq: number; readonly pcsId: string }) => boolean {
  if (/^[0-9a-f]{64}$/.test(id)) return ({ pcsId }) => pcsId === id
  const wanted = wholeNumber(id, 'ID, if it is no pcs_id,', SEQ_LIMITS)
  return ({ seq }) => seq === wanted
}
