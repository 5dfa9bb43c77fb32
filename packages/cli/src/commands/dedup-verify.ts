import type { StoreComparison } from '@fractal-lba/log-tools/services'
import { printable } from '@fractal-lba/runtime/text'
import type { Command } from '../cli/command.js'
import { dedupAddress, dedupAddressOption, withDedupService } from '../cli/dedup-service-options.js'
import { EXIT, Failure } from '../cli/failure.js'

const TIMEOUT_MS_DEFAULT = 3_600_000
const TIMEOUT_MS_MAX = 86_400_000
const SHOWN_MAX = 20

export const dedupVerify: Command = {
  name: 'dedup verify',
  summary: 'compare the dedup store with all marks of the logs',
  usage: 'dedup verify [--addr HOST:PORT] [--timeout-ms N] [--json]',
  options: [
    dedupAddressOption,
    { name: 'timeout-ms', value: 'N', help: `how long to wait for its end (${TIMEOUT_MS_DEFAULT})` },
    { name: 'json', help: 'print the report as one line of JSON' },
  ],
  notes: `A running dedup service does it, beside its other work, and changes nothing: it reads every mark of its logs
(WAL_ADDR) and looks whether the store holds that verdict. Marks of outcomes that have expired (DEDUP_TTL)
are left out. Entries without a mark are not looked for: they are no outcomes yet.

missing     the store has nothing under the id of a mark
different   it has another verdict there
unreadable  the mark holds no verdict

pcs dedup rebuild mends what is missing or different.

Exit codes: 0 store and marks agree, 1 they do not, 2 wrong command line or environment, 3 no service
answers, its index does not answer (it is being filled, or the store is down), or it did not end in time.

Example:
  pcs dedup verify --json | jq .differences`,
  async run(given, terminal) {
    const timeoutMs = given.integer('timeout-ms', { min: 1, max: TIMEOUT_MS_MAX }) ?? TIMEOUT_MS_DEFAULT
    const json = given.has('json')
    const { Progress } = await import('@fractal-lba/log-tools')
    const { compared } = await import('@fractal-lba/log-tools/services')
    return withDedupService(terminal, dedupAddress(given, terminal), async (service) => {
      const progress = new Progress('comparing', terminal.drawable ? terminal.err : undefined)
      const found = await compared(service.verify(timeoutMs), progress)
      terminal.out(
        json ? `${JSON.stringify({ address: service.address, ...found })}\n` : textOf(service.address, found),
      )
      if (found.missing + found.different + found.unreadable === 0) return EXIT.done
      if (json) return EXIT.refused
      throw new Failure('store and marks do not agree; pcs dedup rebuild mends what is missing or different')
    })
  },
}

function textOf(address: string, found: StoreComparison): string {
  const { logs, marks, missing, different, unreadable, differences } = found
  const shown = differences.slice(0, SHOWN_MAX)
  const more = missing + different + unreadable - shown.length
  const lines = [
    `${address}: ${marks} marks of ${logs.length} logs compared`,
    `missing     ${missing}`,
    `different   ${different}`,
    `unreadable  ${unreadable}`,
    ...shown.map(({ kind, log_id, sequence, pcs_id }) =>
      `  ${kind.padEnd(10)}  ${printable(log_id)}/${sequence}  ${printable(pcs_id)}`.trimEnd(),
    ),
    ...(more > 0 ? [`  and ${more} more`] : []),
  ]
  return `${lines.join('\n')}\n`
}
