import { answerJson, exitCodeOf, verdictText } from '../cli/answer.js'
import type { Command } from '../cli/command.js'
import { EXIT, usageError } from '../cli/failure.js'
import { gatewayAddressFrom, getOutcome } from '../cli/gateway.js'
import { endpointOptions, TLS_NOTE, timeoutMsFrom } from '../cli/gateway-options.js'

export const get: Command = {
  name: 'get',
  summary: 'show the stored outcome of a record',
  usage: 'get PCS_ID [--endpoint URL] [--timeout-ms N] [--json]',
  positionals: ['PCS_ID'],
  options: endpointOptions,
  notes: `PCS_ID is the pcs_id of the record: 64 lower-case hexadecimal digits.

${TLS_NOTE}

Exit codes: 0 there is an outcome, 1 there is none, 2 wrong command line or environment, 3 no answer: try
again later.`,
  async run(given, terminal) {
    const pcsId = given.positional('PCS_ID')
    if (!/^[0-9a-f]{64}$/.test(pcsId)) throw usageError('PCS_ID must be 64 lower-case hexadecimal digits')
    const timeoutMs = timeoutMsFrom(given)
    const address = gatewayAddressFrom(given, terminal)
    const answer = await getOutcome({ ...address, timeoutMs }, pcsId)
    if (given.has('json')) {
      terminal.out(answerJson(answer))
      return exitCodeOf(answer)
    }
    terminal.out(verdictText(answer))
    return EXIT.done
  },
}
