import { answerJson, exitCodeOf, verdictText } from '../cli/answer.js'
import type { Command } from '../cli/command.js'
import { EXIT } from '../cli/failure.js'
import { readInput } from '../cli/files.js'
import { gatewayAddressFrom, postRecord } from '../cli/gateway.js'
import { endpointOptions, TLS_NOTE, timeoutMsFrom } from '../cli/gateway-options.js'
import { RECORD_BYTES_MAX } from '../cli/record-input.js'

export const submit: Command = {
  name: 'submit',
  summary: 'submit a signed record and print the verdict',
  usage: 'submit --in FILE [--endpoint URL] [--timeout-ms N] [--json]',
  options: [{ name: 'in', value: 'FILE', help: 'the record; - reads standard input' }, ...endpointOptions],
  notes: `The bytes go as they are: what is wrong with the record is for the gateway to say. Nothing is retried.

${TLS_NOTE}

Exit codes: 0 the record was judged (accepted or escalated), 1 it was refused, 2 wrong command line or
environment, 3 nobody judged it: try again later.

Examples:
  pcs submit --in signed.json
  pcs build --in events.csv --shard-id shard-a --epoch 1 --seed 42 --sign | pcs submit --in -`,
  async run(given, terminal) {
    const path = given.required('in')
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
