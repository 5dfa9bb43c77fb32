import type { dedup, wal } from '@fractal-lba/proto'
import { type Env, parseAddress } from '@fractal-lba/runtime/env'
import { readAddresses, readPort } from '@fractal-lba/runtime/shared-settings'
import { printable } from '@fractal-lba/runtime/text'
import { localAddressText } from '../cli/address-text.js'
import type { Arguments } from '../cli/arguments.js'
import type { Command, Terminal } from '../cli/command.js'
import { fromEnvironment } from '../cli/environment.js'
import { EXIT, Failure, usageError } from '../cli/failure.js'
import { callContext, using } from '../cli/running-service.js'

/** A service that has been asked, and what it has answered. */
interface Confirmed {
  readonly service: 'wal' | 'dedup'
  readonly address: string
  readonly answer: wal.ConfirmClockResponse | dedup.ConfirmClockResponse
}

export const clockConfirm: Command = {
  name: 'clock confirm',
  summary: 'say that the clocks of wal and dedup are right, after a doubt',
  usage: 'clock confirm [--wal HOST:PORT] [--dedup HOST:PORT] [--json]',
  options: [
    {
      name: 'wal',
      value: 'HOST:PORT',
      help: `every wal service, separated by commas (WAL_ADDR, else ${localAddressText('wal')})`,
    },
    {
      name: 'dedup',
      value: 'HOST:PORT',
      help: `every dedup process, separated by commas (DEDUP_ADDR, else ${localAddressText('dedup')})`,
    },
    { name: 'json', help: 'print the answer of each as one line of JSON' },
  ],
  notes: `For a clock that /ready says something about: it is far ahead of the last stamp of a log that has rested,
behind a log that a wrong clock has stamped, or it was set while the process ran. First set the clocks
right (NTP), that of this machine too: a service whose clock says another time refuses. Then its process
takes its time from the wall clock, the log is stamped with it, and what expires goes by it. Stamps of the
log that are beyond it count as made now. It cannot be taken back: what has expired by it is forgotten.

Exit codes: 0 all are trusted now, 1 something is still said against one, or it refuses, 2 wrong command
line or environment, 3 one does not answer.

Example:
  pcs clock confirm --wal wal-0:8082 --dedup dedup-0:8084,dedup-1:8084`,
  async run(given, terminal) {
    const wals = addresses('wal', given, terminal)
    const dedups = addresses('dedup', given, terminal)
    const { connectDedupService, connectWalService } = await import('@fractal-lba/log-tools/services')
    const context = await callContext(terminal)
    const confirmed: Confirmed[] = []
    const confirm = async (
      service: Confirmed['service'],
      connected: ReturnType<typeof connectWalService> | ReturnType<typeof connectDedupService>,
    ): Promise<void> => {
      const answer = await using(connected, (it) => it.confirmClock(Date.now()))
      const one = { service, address: connected.address, answer }
      confirmed.push(one)
      terminal.out(given.has('json') ? `${JSON.stringify(jsonOf(one))}\n` : textOf(one))
    }
    // The logs first: an index goes by their clocks.
    for (const address of wals) await confirm('wal', connectWalService(address, context))
    for (const address of dedups) await confirm('dedup', connectDedupService(address, context))
    const doubted = confirmed.filter(({ answer }) => answer.doubt !== '')
    if (doubted.length === 0) return EXIT.done
    if (given.has('json')) return EXIT.refused
    throw new Failure(`something is still said against ${doubted.length} of ${confirmed.length} clocks`)
  },
}

export function readWalAndDedupAddresses(env: Env): Readonly<Record<'wal' | 'dedup', readonly string[]>> {
  const port = readPort(env)
  return { wal: readAddresses(env, 'wal', port), dedup: readAddresses(env, 'dedup', port) }
}

function addresses(service: 'wal' | 'dedup', given: Arguments, terminal: Terminal): readonly string[] {
  const option = given.text(service)
  if (option === undefined) return fromEnvironment(terminal, readWalAndDedupAddresses)[service]
  const parts = option.split(',').map((part) => part.trim())
  if (parts.every((address) => parseAddress(address) !== undefined)) return parts
  throw usageError(`--${service} must be HOST:PORT, several separated by commas`)
}

function textOf({ service, address, answer: { clockMs, doubt } }: Confirmed): string {
  const time = new Date(clockMs).toISOString()
  return `${service} ${address}: ${time}, ${doubt === '' ? 'trusted' : `in doubt: ${printable(doubt)}`}\n`
}

function jsonOf({ service, address, answer: { clockMs, doubt } }: Confirmed): object {
  return { service, address, clock: new Date(clockMs).toISOString(), doubt: doubt === '' ? null : doubt }
}
