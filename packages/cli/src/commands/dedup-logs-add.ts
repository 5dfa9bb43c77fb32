import { setTimeout as sleep } from 'node:timers/promises'
import type { DedupService } from '@fractal-lba/log-tools/services'
import { parseAddress } from '@fractal-lba/runtime/env'
import type { Command } from '../cli/command.js'
import { dedupAddresses, dedupAddressesOption, withDedupService } from '../cli/dedup-service-options.js'
import { EXIT, Failure, usageError } from '../cli/failure.js'

const TIMEOUT_MS_DEFAULT = 60_000
const TIMEOUT_MS_MAX = 86_400_000
const LOOK_MS = 250

export const dedupLogsAdd: Command = {
  name: 'dedup logs add',
  summary: 'take a further log into a dedup store, while it runs',
  usage: 'dedup logs add LOG_HOST:PORT [--addr HOST:PORT] [--timeout-ms N] [--json]',
  positionals: ['LOG_HOST:PORT'],
  options: [
    dedupAddressesOption,
    {
      name: 'timeout-ms',
      value: 'N',
      help: `how long to wait until each process answers with it (${TIMEOUT_MS_DEFAULT})`,
    },
    { name: 'json', help: 'print the answer of each process as one line of JSON' },
  ],
  notes: `Tells every dedup process on the store of the log of a wal service that runs. One of them takes the log in:
for a moment the index does not answer (503 with Retry-After), then it is the index of that log too. A
process that was not told refuses to answer, and names what it lacks.

It holds until a process ends. So name the log in WAL_ADDR of every dedup before its next start, and only
then in WAL_ADDR of the gateways: until the index knows a log, nothing in it can be finished.

Exit codes: 0 each process answers with it, 1 it is no log for this store, 2 wrong command line or
environment, 3 a process or the log does not answer, or not in time.

Example:
  pcs dedup logs add wal-3:8082 --addr dedup-0:8084,dedup-1:8084`,
  async run(given, terminal) {
    const timeoutMs = given.integer('timeout-ms', { min: 1, max: TIMEOUT_MS_MAX }) ?? TIMEOUT_MS_DEFAULT
    const logAddress = given.positional('LOG_HOST:PORT')
    if (parseAddress(logAddress) === undefined) throw usageError('LOG_HOST:PORT must be HOST:PORT')
    const addresses = dedupAddresses(given, terminal)
    const endMs = performance.now() + timeoutMs
    // All are told before one is waited for: those that were not told do not answer.
    for (const address of addresses)
      await withDedupService(terminal, address, (service) => service.addLog(logAddress))
    for (const address of addresses) {
      await withDedupService(terminal, address, async (service) => {
        const logId = await untilIndexed(service, logAddress, endMs)
        terminal.out(
          given.has('json')
            ? `${JSON.stringify({ dedup: address, log_id: logId, address: logAddress, indexed: true })}\n`
            : `${address}: answers with log ${logId} at ${logAddress}; name it in WAL_ADDR before the next start\n`,
        )
      })
    }
    return EXIT.done
  },
}

/** @returns the id of the log. @throws Failure when the time is over */
async function untilIndexed(service: DedupService, logAddress: string, endMs: number): Promise<string> {
  for (;;) {
    const { logs, answers, refusal } = await service.logs()
    const added = logs.find(({ address }) => address === logAddress)
    if (answers && added?.indexed) return added.logId
    if (performance.now() >= endMs) {
      const why = refusal === '' ? 'the log is not indexed yet' : refusal
      throw new Failure(
        `the dedup service at ${service.address} does not answer with it yet: ${why}`,
        EXIT.tryLater,
      )
    }
    await sleep(LOOK_MS)
  }
}
