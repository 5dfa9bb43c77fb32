import type { dedup } from '@fractal-lba/proto'
import type { Command, Terminal } from '../cli/command.js'
import { dedupAddress, dedupAddressOption, withDedupService } from '../cli/dedup-service-options.js'
import { EXIT, Failure, usageError } from '../cli/failure.js'

const TIMEOUT_MS_DEFAULT = 3_600_000
const TIMEOUT_MS_MAX = 86_400_000

export const dedupLogsRetire: Command = {
  name: 'dedup logs retire',
  summary: 'end a log for good, when its marks are old or copied',
  usage: 'dedup logs retire LOG_ID [--copy-to LOG_ID | --lost] [--addr HOST:PORT] [--timeout-ms N] [--json]',
  positionals: ['LOG_ID'],
  options: [
    {
      name: 'copy-to',
      value: 'LOG_ID',
      help: 'the log that takes its marks over; without it they must have expired',
    },
    { name: 'lost', help: 'its disk is lost: what only it knew is forgotten' },
    dedupAddressOption,
    {
      name: 'timeout-ms',
      value: 'N',
      help: `how long to wait for its end (${TIMEOUT_MS_DEFAULT}); the copying ends when that is over,\nor this command is interrupted`,
    },
    { name: 'json', help: 'print the result as one line of JSON' },
  ],
  notes: `The log must be drained (pcs wal drain), with nothing open and no dead letters, and every log of the store
must be there. Its last mark must be older than DEDUP_TTL, by a clock that is trusted. With --copy-to it
need not be: its marks are appended to another log first, where they count as before, from the same time
on; that takes as much room there as they take here. Copying goes on beside the traffic; run again after
it broke off, it begins anew, which does no harm.

Then the log says of itself that it is retired, and takes nothing any more; for a moment the index does not
answer (503 with Retry-After), then every dedup process on the store answers without it. It cannot be taken
back. Take it out of WAL_ADDR everywhere, then stop its service; keep its directory as long as you keep
backups.

--lost is for a log whose disk is lost, with no backup: nobody can ask it, so nothing is checked, and a record
that only it knew is judged again when it comes again. A log that can be asked is refused.

Exit codes: 0 it is retired, 1 it may not be, 2 wrong command line or environment, 3 no service answers, a
log is away, or it did not end in time.

Examples:
  pcs dedup logs retire 7d0e6c7e7a3c4a0f8a5e1b1f4a0c9d21
  pcs dedup logs retire 7d0e6c7e7a3c4a0f8a5e1b1f4a0c9d21 --copy-to 0c9d217d0e6c7e7a3c4a0f8a5e1b1f4a`,
  async run(given, terminal) {
    const timeoutMs = given.integer('timeout-ms', { min: 1, max: TIMEOUT_MS_MAX }) ?? TIMEOUT_MS_DEFAULT
    const logId = logIdOf(given.positional('LOG_ID'), 'LOG_ID')
    const copyTo = given.text('copy-to')
    const copyToLogId = copyTo === undefined ? '' : logIdOf(copyTo, '--copy-to')
    const lost = given.has('lost')
    if (lost && copyTo !== undefined) throw usageError('--copy-to and --lost exclude each other')
    return withDedupService(terminal, dedupAddress(given, terminal), async (service) => {
      const last = await lastOf(service.retireLog({ logId, copyToLogId, lost }, timeoutMs), terminal)
      if (!last?.retired)
        throw new Failure(`the dedup service at ${service.address} did not say what it came to`)
      const { copied } = last
      terminal.out(
        given.has('json')
          ? `${JSON.stringify({ log_id: logId, retired: true, copied, copied_to: copyTo ?? null })}\n`
          : `log ${logId} is retired${copyTo === undefined ? '' : `; ${copied} marks were copied to ${copyTo}`}\ntake it out of WAL_ADDR everywhere, then stop its service\n`,
      )
      return EXIT.done
    })
  },
}

function logIdOf(text: string, place: string): string {
  if (/^[0-9a-f]{32}$/.test(text)) return text
  throw usageError(`${place} must be 32 hex digits, as pcs dedup logs shows them`)
}

async function lastOf(
  responses: AsyncIterable<dedup.RetireLogResponse>,
  terminal: Terminal,
): Promise<dedup.RetireLogResponse | undefined> {
  const { Progress } = await import('@fractal-lba/log-tools')
  const progress = new Progress('copying', terminal.drawable ? terminal.err : undefined)
  let last: dedup.RetireLogResponse | undefined
  progress.begin(1)
  try {
    for await (const response of responses) {
      progress.add(response.share - (last?.share ?? 0))
      last = response
    }
  } finally {
    progress.end()
  }
  return last
}
