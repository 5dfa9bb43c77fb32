import type { WalService } from '@fractal-lba/log-tools/services'
import type { wal } from '@fractal-lba/proto'
import type { Command, Terminal } from '../cli/command.js'
import { EXIT, Failure, usageError } from '../cli/failure.js'
import { walAddresses, walAddressOption, withWalServices } from '../cli/wal-service-options.js'

const TIMEOUT_MS_DEFAULT = 60_000
const TIMEOUT_MS_MAX = 86_400_000

export const walDrain: Command = {
  name: 'wal drain',
  summary: 'let a log take no more submissions, and wait until what is open is finished',
  usage: 'wal drain [--undo] [--addr HOST:PORT] [--timeout-ms N] [--json]',
  options: [
    { name: 'undo', help: 'let it take submissions again' },
    walAddressOption,
    {
      name: 'timeout-ms',
      value: 'N',
      help: `how long to wait until nothing is open (${TIMEOUT_MS_DEFAULT}); it drains on when that is over,\nor this command is interrupted`,
    },
    { name: 'json', help: 'print the state of the log as one line of JSON' },
  ],
  notes: `A log that drains takes no submissions, also after a restart of its service, until --undo. Gateways hand
them to the other logs, and finish what is open in this one; its marks are read as before. It is what
comes before a log is retired: see pcs dedup logs. The same command again only waits.

Dead letters are not open: nothing finishes them but pcs wal replay --drive-all, and while there are any
the log cannot be retired.

Exit codes: 0 it drains and nothing is open, or it takes submissions again; 1 it refuses; 2 wrong command
line or environment; 3 no service answers, or submissions were still open when the time was over.

Examples:
  pcs wal drain --addr wal-2:8082
  pcs wal drain --addr wal-2:8082 --undo`,
  async run(given, terminal) {
    const timeoutMs = given.integer('timeout-ms', { min: 1, max: TIMEOUT_MS_MAX }) ?? TIMEOUT_MS_DEFAULT
    const draining = !given.has('undo')
    const json = given.has('json')
    const addresses = walAddresses(given, terminal)
    if (addresses.length > 1) throw usageError('one log drains at a time: say which with --addr')
    let isOver = true
    await withWalServices(terminal, addresses, async (service) => {
      await service.drain(draining)
      if (draining) isOver = await untilNothingIsOpen(service, timeoutMs, terminal)
      const state = await service.state()
      terminal.out(
        json ? `${JSON.stringify(jsonOf(service.address, state))}\n` : textOf(service.address, state),
      )
    })
    if (isOver) return EXIT.done
    if (json) return EXIT.tryLater
    throw new Failure('the time to wait is over, and submissions are still open; it drains on', EXIT.tryLater)
  },
}

async function untilNothingIsOpen(
  service: WalService,
  timeoutMs: number,
  terminal: Terminal,
): Promise<boolean> {
  const { Progress } = await import('@fractal-lba/log-tools')
  const { watchOpen } = await import('@fractal-lba/log-tools/services')
  const progress = new Progress('draining', terminal.drawable ? terminal.err : undefined)
  let left: number | undefined
  const onCount = (openCount: number): void => {
    if (left === undefined) progress.begin(openCount)
    else progress.add(left - openCount)
    left = openCount
  }
  try {
    return await watchOpen(service, { timeoutMs, onCount })
  } finally {
    progress.end()
  }
}

function textOf(
  address: string,
  { logId, draining, openCount, deadLetterCount }: wal.GetStateResponse,
): string {
  const lines = [
    `${address}: log ${logId}`,
    `takes        ${draining ? 'no submissions: it drains' : 'submissions'}`,
    `open         ${openCount === 0 ? 'no submissions' : `${openCount} submissions`}`,
    `dead letters ${deadLetterCount === 0 ? 'none' : `${deadLetterCount} (pcs wal replay shows them)`}`,
  ]
  return `${lines.join('\n')}\n`
}

function jsonOf(
  address: string,
  { logId, draining, openCount, deadLetterCount }: wal.GetStateResponse,
): Readonly<Record<string, unknown>> {
  return { address, log_id: logId, draining, open: openCount, dead_letters: deadLetterCount }
}
