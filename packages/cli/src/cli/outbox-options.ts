import { join } from 'node:path'
import type { Outbox, OutboxLog, OutboxOptions } from '@fractal-lba/agent/outbox'
import { type OutboxLimits, readOutboxLimits } from '@fractal-lba/agent/outbox-limits'
import type { Env } from '@fractal-lba/runtime/env'
import { readDataDirectory } from '@fractal-lba/runtime/shared-settings'
import type { Arguments } from './arguments.js'
import type { Option, Terminal } from './command.js'
import { EXIT, Failure } from './failure.js'

/** What each command that uses the outbox takes. */
export const outboxOption: Option = {
  name: 'outbox',
  value: 'DIR',
  help: 'where the outbox is kept (OUTBOX_DIR, else DATA_DIR/outbox; DATA_DIR is ./data)',
}

export const OUTBOX_LIMITS_NOTE = `OUTBOX_ENTRIES_MAX (100000) and OUTBOX_BYTES_MAX (256Mi) bound what it holds, all but acknowledged records;
beyond them it takes nothing more.`

/** Where the outbox is and what it may hold. */
export interface OutboxPlace {
  readonly directory: string
  readonly limits: OutboxLimits
}

export function readOutboxDirectory(given: Arguments, env: Env): string {
  return given.text('outbox') ?? env.text('OUTBOX_DIR', join(readDataDirectory(env), 'outbox'))
}

export function readOutboxPlace(given: Arguments, env: Env): OutboxPlace {
  return { directory: readOutboxDirectory(given, env), limits: readOutboxLimits(env) }
}

// The outbox brings the log and its native checksum with it: loaded by the commands that need it, when they run.
const loadOutbox = () => import('@fractal-lba/agent/outbox')

/**
 * Opens the outbox for one command, and closes it after that.
 * @param mustExist whether a directory without one is an error; else one is made
 * @throws Failure with a sentence when it cannot be used; exit code 3 while another process has it
 */
export async function withOutbox<Result>(
  { directory, limits }: OutboxPlace,
  terminal: Terminal,
  mustExist: boolean,
  use: (outbox: Outbox) => Promise<Result>,
): Promise<Result> {
  const { Outbox: OutboxClass, outboxExists } = await loadOutbox()
  if (mustExist && !(await explained(() => outboxExists(directory)))) {
    throw new Failure(`there is no outbox in ${directory}`)
  }
  let broken: Error | undefined
  const options: OutboxOptions = {
    ...limits,
    onFatal: (error) => {
      broken = error
    },
    onEvent: (event) => {
      const sentence = troubleOf(event)
      if (sentence) terminal.err(`pcs: ${sentence}\n`)
    },
  }
  const outbox = await explained(() => OutboxClass.open(directory, options))
  try {
    return await explained(() => use(outbox))
  } finally {
    if (broken === undefined) await explained(() => outbox.close())
  }
}

/** Looks at the outbox without disturbing who may have it. @throws Failure when there is none */
export async function withOutboxSnapshot<Result>(
  directory: string,
  terminal: Terminal,
  use: (log: OutboxLog) => Promise<Result>,
): Promise<Result> {
  const { withSnapshot } = await loadOutbox()
  return explained(() =>
    withSnapshot(directory, use, (event) => {
      const sentence = troubleOf({ type: 'log', event })
      if (sentence) terminal.err(`pcs: ${sentence}\n`)
    }),
  )
}

type Event = Parameters<NonNullable<OutboxOptions['onEvent']>>[0]

function troubleOf(event: Event): string | undefined {
  if (event.type === 'report_failed') return `${event.file} cannot be written: ${event.error.message}`
  if (event.type === 'compaction_failed') return `the outbox could not be compacted: ${event.error.message}`
  if (event.type === 'log' && event.event.type === 'quarantined') {
    return `the outbox is damaged: ${event.event.segment} ${event.event.reason}; what is intact in it is still used`
  }
  return undefined
}

/** Errors of the outbox and its log have sentences for people already: they become failures as they are. */
async function explained<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    const { OutboxError } = await loadOutbox()
    const { isWalError, WalError } = await import('@fractal-lba/wal')
    if (isWalError(error, 'locked')) throw new Failure(error.message, EXIT.tryLater, { cause: error })
    const known = error instanceof OutboxError || error instanceof WalError
    const system = error instanceof Error && 'syscall' in error
    if (known || system) throw new Failure(error.message, EXIT.refused, { cause: error })
    throw error
  }
}
