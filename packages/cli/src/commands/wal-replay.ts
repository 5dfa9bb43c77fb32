import { timeText } from '@fractal-lba/log-tools/mark-json'
import type { ReplayResult, WalService } from '@fractal-lba/log-tools/services'
import type { wal } from '@fractal-lba/proto'
import { printable } from '@fractal-lba/runtime/text'
import type { Arguments } from '../cli/arguments.js'
import type { Command, Terminal } from '../cli/command.js'
import { EXIT, type ExitCode, Failure, usageError } from '../cli/failure.js'
import { walAddresses, walAddressOption, withWalServices } from '../cli/wal-service-options.js'

const SHOWN_MAX = 20
const TIMEOUT_MS_DEFAULT = 60_000
const TIMEOUT_MS_MAX = 86_400_000

export const walReplay: Command = {
  name: 'wal replay',
  summary: 'show what is open, and drive dead letters again',
  usage: 'wal replay [--drive SEQUENCE | --drive-all] [--wait] [--addr HOST:PORT] [--json]',
  options: [
    { name: 'drive', value: 'SEQUENCE', help: 'open this dead letter again, with fresh tries' },
    { name: 'drive-all', help: 'open each dead letter again' },
    {
      name: 'wait',
      help: 'wait until what was driven has come to its end; without that, until nothing is open',
    },
    { name: 'timeout-ms', value: 'N', help: `how long to wait (${TIMEOUT_MS_DEFAULT})` },
    walAddressOption,
    { name: 'json', help: 'print all of it as one line of JSON for each log, each dead letter included' },
  ],
  notes: `Open submissions (a crash, an outage, a client that went away) are finished by the gateways themselves,
within seconds. One whose replay fails for a reason of its own, never because of an outage, is set aside
as a dead letter after WAL_REPLAY_TRIES of them: it is kept, whatever its age, until it is redriven.
Mend first what the reason says. Redriving does no harm: nothing of it was acknowledged.

Exit codes: 0 shown, or all that was driven is done; 1 there is no such dead letter, or it was set aside
again; 2 wrong command line or environment; 3 no service answers, or the time to wait was over.

Examples:
  pcs wal replay
  pcs wal replay --drive-all --wait`,
  async run(given, terminal) {
    const asked = askedFor(given)
    const addresses = walAddresses(given, terminal)
    if (asked.drive !== undefined && addresses.length > 1) {
      throw usageError('--drive names a record of one log: say which with --addr')
    }
    const outcomes: Outcome[] = []
    await withWalServices(terminal, addresses, async (service) => {
      outcomes.push(await replay(service, asked, terminal))
    })
    return ended(outcomes, asked)
  },
}

interface Asked {
  readonly drive: number | undefined
  readonly driveAll: boolean
  readonly wait: boolean
  readonly timeoutMs: number
  readonly json: boolean
}

/** What is known of one log in the end. */
interface Outcome {
  readonly address: string
  readonly state: wal.GetStateResponse
  readonly letters: readonly wal.StoredDeadLetter[]
  readonly driven: readonly number[]
  /** Of what was driven, when it was waited for. */
  readonly result: ReplayResult | undefined
  /** Nothing was open in the end, when that was waited for. */
  readonly allDone: boolean | undefined
}

function askedFor(given: Arguments): Asked {
  const drive = given.integer('drive', { min: 1, max: Number.MAX_SAFE_INTEGER })
  const driveAll = given.has('drive-all')
  if (drive !== undefined && driveAll) throw usageError('--drive and --drive-all exclude each other')
  const timeoutMs = given.integer('timeout-ms', { min: 1, max: TIMEOUT_MS_MAX }) ?? TIMEOUT_MS_DEFAULT
  return { drive, driveAll, wait: given.has('wait'), timeoutMs, json: given.has('json') }
}

async function replay(service: WalService, asked: Asked, terminal: Terminal): Promise<Outcome> {
  const { driven, fromSequence } = await drive(service, asked)
  const waited = asked.wait ? await waitFor(service, driven, fromSequence, asked, terminal) : undefined
  const state = await service.state()
  const letters: wal.StoredDeadLetter[] = []
  for await (const page of service.deadLetters()) letters.push(...page)
  const outcome: Outcome = {
    address: service.address,
    state,
    letters,
    driven,
    result: waited?.result,
    allDone: waited?.allDone,
  }
  terminal.out(asked.json ? `${JSON.stringify(jsonOf(outcome))}\n` : textOf(outcome))
  return outcome
}

async function drive(
  service: WalService,
  asked: Asked,
): Promise<{ driven: readonly number[]; fromSequence: number }> {
  const wanted: number[] = asked.drive === undefined ? [] : [asked.drive]
  if (asked.driveAll) {
    for await (const page of service.deadLetters()) {
      wanted.push(...page.flatMap(({ deadLetter }) => (deadLetter ? [deadLetter.sequence] : [])))
    }
  }
  let fromSequence = 0
  for (const sequence of wanted) {
    const position = await service.redrive(sequence)
    if (fromSequence === 0) fromSequence = position
  }
  return { driven: wanted, fromSequence }
}

async function waitFor(
  service: WalService,
  driven: readonly number[],
  fromSequence: number,
  { timeoutMs }: Asked,
  terminal: Terminal,
): Promise<Pick<Outcome, 'result' | 'allDone'>> {
  const { Progress } = await import('@fractal-lba/log-tools')
  const { watchOpen, watchReplay } = await import('@fractal-lba/log-tools/services')
  const progress = new Progress('replaying', terminal.drawable ? terminal.err : undefined)
  try {
    if (driven.length > 0) {
      progress.begin(driven.length)
      const onEnd = (): void => progress.add(1)
      const result = await watchReplay(service, driven, { fromSequence, timeoutMs, onEnd })
      return { result, allDone: undefined }
    }
    let left: number | undefined
    const onCount = (openCount: number): void => {
      if (left === undefined) progress.begin(openCount)
      else progress.add(left - openCount)
      left = openCount
    }
    return { result: undefined, allDone: await watchOpen(service, { timeoutMs, onCount }) }
  } finally {
    progress.end()
  }
}

function ended(outcomes: readonly Outcome[], { json }: Asked): ExitCode {
  const again = outcomes.flatMap(({ result }) => result?.setAsideAgain ?? [])
  const late = outcomes.filter(
    ({ result, allDone }) => allDone === false || (result?.stillOpen.length ?? 0) > 0,
  )
  if (again.length > 0) {
    if (json) return EXIT.refused
    throw new Failure(`set aside again: ${again.length}; mend what their reasons say, then drive them again`)
  }
  if (late.length > 0) {
    if (json) return EXIT.tryLater
    throw new Failure('the time to wait is over, and submissions are still open', EXIT.tryLater)
  }
  return EXIT.done
}

function textOf({ address, state, letters, driven, result }: Outcome): string {
  const { openCount, oldestOpenMs } = state
  const since = openCount === 0 ? '' : `, the oldest for ${(oldestOpenMs / 1000).toFixed(1)} s`
  const lines = [
    `${address}: log ${state.logId}`,
    `open         ${openCount === 0 ? 'no submissions' : `${openCount} submissions${since}`}`,
    `dead letters ${letters.length === 0 ? 'none' : letters.length}`,
    ...letters.slice(0, SHOWN_MAX).map(letterText),
  ]
  if (letters.length > SHOWN_MAX) lines.push(`  and ${letters.length - SHOWN_MAX} more (--json shows all)`)
  if (driven.length > 0 && result === undefined) {
    lines.push(`driven again ${driven.length}; gateways finish them within seconds (--wait waits for that)`)
  }
  if (result !== undefined) {
    const { replayed, setAsideAgain, stillOpen } = result
    const counts = `${replayed.length} done, ${setAsideAgain.length} set aside again, ${stillOpen.length} still open`
    lines.push(`driven again ${driven.length}: ${counts}`)
    for (const { sequence, status } of replayed.slice(0, SHOWN_MAX)) {
      lines.push(`  record ${sequence}: ${status}`)
    }
    if (replayed.length > SHOWN_MAX) lines.push(`  and ${replayed.length - SHOWN_MAX} more`)
  }
  return `${lines.join('\n')}\n`
}

function letterText({ deadLetter, setAsideAtMs }: wal.StoredDeadLetter): string {
  const { sequence = 0, tries = 0, reason = '' } = deadLetter ?? {}
  return `  record ${sequence}, since ${timeText(setAsideAtMs)}, after ${tries} tries: ${printable(reason)}`
}

function jsonOf({ address, state, letters, driven, result, allDone }: Outcome): Record<string, unknown> {
  return {
    address,
    log_id: state.logId,
    open: state.openCount,
    oldest_open_ms: state.oldestOpenMs,
    dead_letters: letters.map(({ deadLetter, appendedAtMs, setAsideAtMs }) => ({
      sequence: deadLetter?.sequence ?? null,
      appended_at: timeText(appendedAtMs),
      set_aside_at: timeText(setAsideAtMs),
      tries: deadLetter?.tries ?? null,
      reason: deadLetter?.reason ?? null,
    })),
    driven,
    ...(result && {
      replayed: result.replayed,
      set_aside_again: result.setAsideAgain,
      still_open: result.stillOpen,
    }),
    ...(allDone !== undefined && { all_done: allDone }),
  }
}
