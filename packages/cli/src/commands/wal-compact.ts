import type { Progress } from '@fractal-lba/log-tools'
import type { WalService } from '@fractal-lba/log-tools/services'
import type { wal } from '@fractal-lba/proto'
import { printable } from '@fractal-lba/runtime/text'
import type { Command } from '../cli/command.js'
import { EXIT, Failure } from '../cli/failure.js'
import { walAddresses, walAddressOption, withWalServices } from '../cli/wal-service-options.js'

const TIMEOUT_MS_DEFAULT = 600_000
const TIMEOUT_MS_MAX = 86_400_000
const LOOK_MS = 250

export const walCompact: Command = {
  name: 'wal compact',
  summary: 'make a log smaller, as far as retention allows',
  usage: 'wal compact [--dry-run] [--addr HOST:PORT] [--timeout-ms N] [--json]',
  options: [
    { name: 'dry-run', help: 'only tell what would be freed' },
    walAddressOption,
    {
      name: 'timeout-ms',
      value: 'N',
      help: `how long to wait for its end (${TIMEOUT_MS_DEFAULT}); it goes on in the service\nwhen that is over, or this command is interrupted`,
    },
    { name: 'json', help: 'print the report as one line of JSON for each log' },
  ],
  notes: `The running wal service does it, beside its other work: it alone knows which records are done and which
outcomes are young, and it has the log's lock. What it may drop is said by its WAL_RETENTION, DEDUP_TTL
and WAL_BYTES_MAX; unfinished records and young outcomes always stay. There is no compaction of a
directory without its service: start one on it (WAL_DIR).

It also compacts by itself (WAL_COMPACT_EVERY), but only segments where that is worth the reading. This
command, and the RPC flk.wal.v1.WalService/Compact behind it, take each segment where anything can go.

Exit codes: 0 done, 1 it ended early, or what must be kept is longer than WAL_BYTES_MAX, 2 wrong command
line or environment, 3 no service answers, or a compaction is under way already.

Examples:
  pcs wal compact --dry-run
  pcs wal compact --addr wal-0:8082,wal-1:8082 --json`,
  async run(given, terminal) {
    const timeoutMs = given.integer('timeout-ms', { min: 1, max: TIMEOUT_MS_MAX }) ?? TIMEOUT_MS_DEFAULT
    const dryRun = given.has('dry-run')
    const json = given.has('json')
    const { Progress } = await import('@fractal-lba/log-tools')
    const failures: string[] = []
    await withWalServices(terminal, walAddresses(given, terminal), async (service) => {
      const progress = new Progress('compacting', terminal.drawable ? terminal.err : undefined)
      const { logId } = await service.state()
      const report = await withBar(service, progress, service.compact(dryRun, timeoutMs))
      terminal.out(
        json
          ? `${JSON.stringify(jsonOf(service.address, logId, dryRun, report))}\n`
          : textOf(service.address, logId, dryRun, report),
      )
      failures.push(...failuresOf(service.address, report))
    })
    if (failures.length === 0) return EXIT.done
    if (json) return EXIT.refused
    throw new Failure(failures.join('\n'))
  },
}

/** Asks the service how far it has come while the compaction runs. */
async function withBar<Result>(
  service: WalService,
  progress: Progress,
  work: Promise<Result>,
): Promise<Result> {
  let shown = 0
  progress.begin(1)
  const watch = setInterval(() => {
    service.state().then(
      ({ compactionShare = shown }) => {
        progress.add(compactionShare - shown)
        shown = compactionShare
      },
      () => undefined, // the bar stands still; the call itself rejects when the compaction failed
    )
  }, LOOK_MS)
  try {
    return await work
  } finally {
    clearInterval(watch)
    progress.end()
  }
}

function failuresOf(address: string, { obstacle, limitExceeded }: wal.CompactResponse): string[] {
  return [
    ...(obstacle === '' ? [] : [`${address}: it ended early: ${printable(obstacle)}`]),
    ...(limitExceeded
      ? [
          `${address}: what must be kept is longer than WAL_BYTES_MAX: submissions are refused until it is raised, or until records are done and outcomes expire`,
        ]
      : []),
  ]
}

function textOf(address: string, logId: string, dryRun: boolean, report: wal.CompactResponse): string {
  const { freedBytes, segmentsRemoved, segmentsRewritten, bodiesDropped, logBytes } = report
  const lines = [
    `${address}: log ${logId}`,
    `${dryRun ? 'would free ' : 'freed      '}${freedBytes} bytes`,
    `segments   ${segmentsRemoved} removed, ${segmentsRewritten} rewritten without ${bodiesDropped} bodies`,
    `the log    ${logBytes} bytes ${dryRun ? 'then' : 'now'}`,
  ]
  return `${lines.join('\n')}\n`
}

function jsonOf(
  address: string,
  logId: string,
  dryRun: boolean,
  report: wal.CompactResponse,
): Readonly<Record<string, unknown>> {
  return {
    address,
    log_id: logId,
    dry_run: dryRun,
    freed_bytes: report.freedBytes,
    segments_removed: report.segmentsRemoved,
    segments_rewritten: report.segmentsRewritten,
    bodies_dropped: report.bodiesDropped,
    log_bytes: report.logBytes,
    limit_exceeded: report.limitExceeded,
    obstacle: report.obstacle === '' ? null : report.obstacle,
  }
}
