import type { OutboxEntry, OutboxLog } from '@fractal-lba/agent/outbox'
import { jsonObject, printable } from '@fractal-lba/runtime/text'
import { finding } from '../cli/answer.js'
import type { Command, Terminal } from '../cli/command.js'
import { fromEnvironment } from '../cli/environment.js'
import { EXIT, usageError } from '../cli/failure.js'
import { outboxOption, readOutboxDirectory, withOutboxSnapshot } from '../cli/outbox-options.js'

const STATES = ['pending', 'acknowledged', 'dead', 'conflict'] as const
const LIMIT_DEFAULT = 50

export const outboxList: Command = {
  name: 'outbox list',
  summary: 'show what is in the outbox and how far it has come',
  usage: 'outbox list [--state STATE] [--limit N] [--outbox DIR] [--json]',
  options: [
    { name: 'state', value: 'STATE', help: `only ${STATES.join(', ')}` },
    { name: 'limit', value: 'N', help: `so many entries, the newest (${LIMIT_DEFAULT}; with --json all)` },
    outboxOption,
    { name: 'json', help: 'print directory, counts and entries with their answers as one line of JSON' },
  ],
  notes: `This may be asked at any time: it reads a copy, and disturbs no agent that has the outbox.

pending       on the disk, and sent until there is an answer that settles it
acknowledged  judged; the answer is the verdict
dead          refused for good; also in dead-letters.jsonl; pcs outbox retry puts it back
conflict      another record came first under its pcs_id; also in conflicts.jsonl; pcs outbox retry puts it back

Exit codes: 0 shown, 1 there is no outbox or it cannot be read, 2 wrong command line or environment.`,
  async run(given, terminal) {
    const state = given.text('state')
    if (state !== undefined && !STATES.some((known) => known === state)) {
      throw usageError(`--state must be one of ${STATES.join(', ')}`)
    }
    const limit = given.integer('limit', { min: 0, max: Number.MAX_SAFE_INTEGER })
    const directory = fromEnvironment(terminal, (env) => readOutboxDirectory(given, env))
    await withOutboxSnapshot(directory, terminal, async (log) => {
      const found = [...log.index.entries()].filter((entry) => state === undefined || entry.state === state)
      const count = limit ?? (given.has('json') ? found.length : LIMIT_DEFAULT)
      const shown = found.slice(Math.max(0, found.length - count))
      if (given.has('json')) await printJson(directory, log, shown, terminal)
      else await printText(directory, log, shown, found.length, terminal)
    })
    return EXIT.done
  },
}

async function printJson(
  directory: string,
  log: OutboxLog,
  shown: readonly OutboxEntry[],
  terminal: Terminal,
) {
  terminal.out(
    `{"directory":${JSON.stringify(directory)},"counts":${JSON.stringify(log.index.counts)},"entries":[`,
  )
  let separator = ''
  for (const entry of shown) {
    terminal.out(`${separator}${JSON.stringify(await jsonOf(log, entry))}`)
    separator = ','
  }
  terminal.out(']}\n')
}

async function jsonOf(log: OutboxLog, entry: OutboxEntry): Promise<Readonly<Record<string, unknown>>> {
  const about = {
    outbox_seq: entry.seq,
    pcs_id: entry.pcsId,
    state: entry.state,
    enqueued_at: new Date(entry.enqueuedAtMs).toISOString(),
  }
  const answer = await log.answer(entry)
  if (answer === undefined) return about
  const { status, replayed, attempts, atMs } = answer.head
  const text = answer.content.toString('utf8')
  const body = jsonObject(text) ?? text
  return { ...about, status, replayed, attempts, settled_at: new Date(atMs).toISOString(), answer: body }
}

async function printText(
  directory: string,
  log: OutboxLog,
  shown: readonly OutboxEntry[],
  found: number,
  terminal: Terminal,
) {
  const { pending, acknowledged, dead, conflict } = log.index.counts
  terminal.out(
    `${directory}: ${pending} pending, ${acknowledged} acknowledged, ${dead} dead, ${conflict} in conflict\n`,
  )
  if (found > shown.length) terminal.out(`the newest ${shown.length} of ${found} (--limit shows more)\n`)
  for (const entry of shown) {
    const seq = String(entry.seq).padStart(6)
    const at = new Date(entry.enqueuedAtMs).toISOString()
    terminal.out(`${seq}  ${entry.state.padEnd(12)}  ${at}  ${entry.pcsId}\n`)
    const summary = await answerSummary(log, entry)
    if (summary) terminal.out(`${' '.repeat(8)}${summary}\n`)
  }
}

/** The part of an answer that a person must know: of a verdict the finding, of a problem its words. */
async function answerSummary(log: OutboxLog, entry: OutboxEntry): Promise<string | undefined> {
  const answer = await log.answer(entry)
  if (answer === undefined) return undefined
  const { accepted, escalated, reason, title, detail } = jsonObject(answer.content.toString('utf8')) ?? {}
  const isVerdict = typeof accepted === 'boolean' && typeof escalated === 'boolean'
  const found = isVerdict ? finding(accepted, escalated) : undefined
  const words = [found, reason, title, detail].filter((word) => typeof word === 'string').map(printable)
  const { status, replayed } = answer.head
  return [`${status}${replayed ? ', replayed' : ''}`, ...new Set(words)].join(': ')
}
