import { timeText } from '@fractal-lba/log-tools/mark-json'
import type { dedup } from '@fractal-lba/proto'
import { printable } from '@fractal-lba/runtime/text'
import type { Command } from '../cli/command.js'
import { dedupAddress, dedupAddressOption, withDedupService } from '../cli/dedup-service-options.js'
import { EXIT } from '../cli/failure.js'

export const dedupLogs: Command = {
  name: 'dedup logs',
  summary: 'list the logs that a dedup store is the index of',
  usage: 'dedup logs [--addr HOST:PORT] [--json]',
  options: [dedupAddressOption, { name: 'json', help: 'print each log as one line of JSON' }],
  notes: `Each log by its id, with what it says of itself now, and what is to be done or waited for before it can be
retired. Logs that are retired are listed by their ids alone.

A log comes and goes in these steps (docs/operations.md, "Several logs"):
  comes: start its wal service; pcs dedup logs add; name it in WAL_ADDR of every dedup, then of every gateway
  goes:  pcs wal drain; pcs dedup logs retire; take it out of WAL_ADDR everywhere; stop its service

Exit codes: 0 shown, 2 wrong command line or environment, 3 no service answers.

Example:
  pcs dedup logs --addr dedup-0:8084`,
  async run(given, terminal) {
    const json = given.has('json')
    return withDedupService(terminal, dedupAddress(given, terminal), async (service) => {
      const { logs, answers, refusal } = await service.logs()
      for (const log of logs) terminal.out(json ? `${JSON.stringify(jsonOf(log))}\n` : textOf(log))
      if (!answers) terminal.err(`the index does not answer now: ${printable(refusal)}\n`)
      return EXIT.done
    })
  },
}

function textOf(log: dedup.IndexedLog): string {
  const { logId, address, indexed, retired } = log
  const lines = [`log ${logId === '' ? '(not known yet)' : logId}${address === '' ? '' : ` at ${address}`}`]
  if (retired) lines.push('  retired')
  else lines.push(`  indexed      ${indexed ? 'yes' : 'not yet'}`, ...stateLines(log))
  return `${lines.join('\n')}\n`
}

function stateLines(log: dedup.IndexedLog): string[] {
  const { reached, draining, openCount, deadLetterCount, lastMarkMs, obstacle } = log
  if (!reached) return [`  reached      no: ${printable(obstacle)}`]
  return [
    `  takes        ${draining ? 'no submissions: it drains' : 'submissions'}`,
    `  open         ${openCount}, dead letters ${deadLetterCount}`,
    `  last mark    ${lastMarkMs === 0 ? 'none' : timeText(lastMarkMs)}`,
    `  to retire it ${toRetireText(log)}`,
  ]
}

function toRetireText({ logId, obstacle, obstacleToCopying }: dedup.IndexedLog): string {
  if (obstacle === '') return `nothing stands against it: pcs dedup logs retire ${logId}`
  return obstacleToCopying === '' ? `${printable(obstacle)} (--copy-to)` : printable(obstacle)
}

function jsonOf(log: dedup.IndexedLog): Readonly<Record<string, unknown>> {
  const { lastMarkMs, reached } = log
  return {
    log_id: log.logId === '' ? null : log.logId,
    address: log.address === '' ? null : log.address,
    reached,
    indexed: log.indexed,
    retired: log.retired,
    ...(reached && {
      draining: log.draining,
      open: log.openCount,
      dead_letters: log.deadLetterCount,
      last_mark: lastMarkMs === 0 ? null : timeText(lastMarkMs),
    }),
    obstacle: log.obstacle === '' ? null : log.obstacle,
    obstacle_to_copying: log.obstacleToCopying === '' ? null : log.obstacleToCopying,
  }
}
