import { answerJson, exitCodeOf, lineJson, lineRefusal, verdictText } from '../cli/answer.js'
import type { Arguments } from '../cli/arguments.js'
import type { Command, Terminal } from '../cli/command.js'
import { EXIT, type ExitCode } from '../cli/failure.js'
import { readInput } from '../cli/files.js'
import { gatewayAddressFrom, postRecord } from '../cli/gateway.js'
import { endpointOptions, TLS_NOTE, timeoutMsFrom } from '../cli/gateway-options.js'
import { openLines } from '../cli/lines.js'
import { RECORD_BYTES_MAX } from '../cli/record-input.js'

const WAIT_S_DEFAULT = 60
/** Lines of refusals that are told one by one; the others are counted. */
const REFUSALS_TOLD_MAX = 20

export const submit: Command = {
  name: 'submit',
  summary: 'submit a signed record, or a file of them, and print the verdict',
  usage: 'submit --in FILE [--lines] [--endpoint URL] [--timeout-ms N] [--wait-s N] [--json]',
  options: [
    { name: 'in', value: 'FILE', help: 'the record, or one a line; - reads standard input' },
    { name: 'lines', help: 'each line is a record; understood where FILE ends in .ndjson or .jsonl' },
    ...endpointOptions,
    {
      name: 'wait-s',
      value: 'N',
      help: `with lines: how long to go on when none gets on (${WAIT_S_DEFAULT})`,
    },
  ],
  notes: `The bytes go as they are: what is wrong with the record is for the gateway to say. A record alone is tried once.

Lines go in batches, in their order. One that finds no token, or no gateway, is tried again; each is judged once, however
often it comes, so that a run that was broken off can simply be repeated. A terminal shows how far it is; --json prints
the answer to each line as one line of JSON.

${TLS_NOTE}

Exit codes: 0 the record was judged (accepted or escalated), each of the lines was; 1 it, or one of them, was refused;
2 wrong command line or environment; 3 nobody judged it, or some of them: try again later.

Examples:
  pcs submit --in signed.json
  pcs submit --in records.ndjson
  pcs build --in events.csv --shard-id shard-a --epoch 1 --seed 42 --sign | pcs submit --in -`,
  async run(given, terminal) {
    const path = given.required('in')
    if (given.has('lines') || /\.(ndjson|jsonl)$/i.test(path)) return submitFile(path, given, terminal)
    const timeoutMs = timeoutMsFrom(given)
    const address = gatewayAddressFrom(given, terminal)
    const bytes = await readInput(path, RECORD_BYTES_MAX, terminal)
    const answer = await postRecord({ ...address, timeoutMs }, bytes)
    if (given.has('json')) {
      terminal.out(answerJson(answer))
      return exitCodeOf(answer)
    }
    terminal.out(verdictText(answer))
    return EXIT.done
  },
}

async function submitFile(path: string, given: Arguments, terminal: Terminal): Promise<ExitCode> {
  const timeoutMs = timeoutMsFrom(given)
  const waitMs = (given.integer('wait-s', { min: 0, max: 86_400 }) ?? WAIT_S_DEFAULT) * 1_000
  const gateway = { ...gatewayAddressFrom(given, terminal), timeoutMs }
  // Loaded by who hands in many records alone.
  const [{ submitLines }, { Progress }] = await Promise.all([
    import('../cli/submit-lines.js'),
    import('@fractal-lba/log-tools'),
  ])
  const input = await openLines(path, terminal)
  const progress = new Progress('submitting', terminal.drawable ? terminal.err : undefined)
  const count = { accepted: 0, escalated: 0, replayed: 0, refused: 0 }
  let doneBytes = 0
  const remarks: string[] = []
  try {
    progress.begin(input.sizeBytes ?? 0)
    const unanswered = await submitLines(input.lines, {
      gateway,
      waitMs,
      onAnswer(line, exchange) {
        const answer = { ...exchange, retryAfterSeconds: undefined }
        if (answer.replayed) count.replayed += 1
        if (answer.status === 200) count.accepted += 1
        else if (answer.status === 202) count.escalated += 1
        else {
          count.refused += 1
          if (count.refused <= REFUSALS_TOLD_MAX) remarks.push(lineRefusal(line.number, answer))
        }
        if (given.has('json')) terminal.out(lineJson(line.number, answer))
        progress.add(Math.max(0, line.endBytes - doneBytes))
        doneBytes = Math.max(doneBytes, line.endBytes)
      },
    })
    progress.end()
    if (count.refused > REFUSALS_TOLD_MAX) remarks.push(`and ${count.refused - REFUSALS_TOLD_MAX} more`)
    if (unanswered) {
      const [first] = unanswered.lines
      remarks.push(`nobody judged line ${first?.number} and what follows it: ${unanswered.why}`)
    }
    for (const remark of remarks) terminal.err(`pcs: ${remark}\n`)
    if (!given.has('json')) {
      const { accepted, escalated, refused, replayed } = count
      terminal.out(
        `${accepted} accepted, ${escalated} escalated, ${refused} refused (${replayed} replayed)\n`,
      )
    }
    if (unanswered) return EXIT.tryLater
    return count.refused > 0 ? EXIT.refused : EXIT.done
  } finally {
    progress.end()
    await input.close()
  }
}
