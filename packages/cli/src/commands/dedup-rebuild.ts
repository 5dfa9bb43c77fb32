import type { dedup } from '@fractal-lba/proto'
import { printable } from '@fractal-lba/runtime/text'
import type { Command } from '../cli/command.js'
import { dedupAddress, dedupAddressOption, withDedupService } from '../cli/dedup-service-options.js'
import { EXIT, Failure } from '../cli/failure.js'

const TIMEOUT_MS_DEFAULT = 3_600_000
const TIMEOUT_MS_MAX = 86_400_000

export const dedupRebuild: Command = {
  name: 'dedup rebuild',
  summary: 'fill the dedup store again, from all marks of the logs',
  usage: 'dedup rebuild [--addr HOST:PORT] [--timeout-ms N] [--json]',
  options: [
    dedupAddressOption,
    {
      name: 'timeout-ms',
      value: 'N',
      help: `how long to wait for its end (${TIMEOUT_MS_DEFAULT}); it goes on in the service\nwhen that is over, or this command is interrupted`,
    },
    { name: 'json', help: 'print the report as one line of JSON' },
  ],
  notes: `A running dedup service does it: it reads every mark of its logs (WAL_ADDR) from the beginning and brings
the store to what they say. Where the two differ the mark wins; no acknowledged outcome changes. Until it
is done all dedup processes on this store answer 503 with Retry-After; submissions are logged meanwhile,
and finished afterwards by themselves.

It is hardly ever needed: a store that was emptied, restored or has failed over is filled by itself. It is
for a store whose entries somebody has changed; see pcs dedup verify.

Exit codes: 0 done, 1 done, but marks contradict each other or cannot be read, 2 wrong command line or
environment, 3 no service answers, or it did not end in time.

Example:
  pcs dedup rebuild --addr dedup-0:8084`,
  async run(given, terminal) {
    const timeoutMs = given.integer('timeout-ms', { min: 1, max: TIMEOUT_MS_MAX }) ?? TIMEOUT_MS_DEFAULT
    const json = given.has('json')
    const { Progress } = await import('@fractal-lba/log-tools')
    return withDedupService(terminal, dedupAddress(given, terminal), async (service) => {
      const progress = new Progress('rebuilding', terminal.drawable ? terminal.err : undefined)
      const report = await lastOf(service.rebuild(timeoutMs), progress)
      if (!report) throw new Failure(`the dedup service at ${service.address} did not say what it came to`)
      terminal.out(
        json ? `${JSON.stringify(jsonOf(service.address, report))}\n` : textOf(service.address, report),
      )
      const { contradictory, unreadable } = report
      if (contradictory + unreadable === 0) return EXIT.done
      if (json) return EXIT.refused
      throw new Failure(
        `marks that contradict each other: ${contradictory}, that cannot be read: ${unreadable}; the log of the service names them`,
      )
    })
  },
}

async function lastOf(
  responses: AsyncIterable<dedup.RebuildResponse>,
  progress: { begin(total: number): void; add(amount: number): void; end(): void },
): Promise<dedup.RebuildReport | undefined> {
  progress.begin(1)
  let shown = 0
  let last: dedup.RebuildReport | undefined
  try {
    for await (const { share, report } of responses) {
      progress.add(share - shown)
      shown = share
      last = report
    }
  } finally {
    progress.end()
  }
  return last
}

function textOf(address: string, report: dedup.RebuildReport): string {
  const lines = [
    `${address}: rebuilt, generation ${printable(report.generation)}`,
    `marks      ${report.marks} read`,
    `corrected  ${report.corrected} entries that differed from their mark`,
    `the store  remembers ${report.remembered} ids`,
  ]
  return `${lines.join('\n')}\n`
}

function jsonOf(address: string, report: dedup.RebuildReport): Readonly<Record<string, unknown>> {
  const { marks, corrected, contradictory, unreadable, remembered, generation } = report
  return { address, generation, marks, corrected, contradictory, unreadable, remembered }
}
