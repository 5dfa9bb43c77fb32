import { readFileSync } from 'node:fs'
import { pcsVersion } from '@fractal-lba/pcs'
import { printable } from '@fractal-lba/runtime/text'
import { readArguments } from './cli/arguments.js'
import type { Command, Terminal } from './cli/command.js'
import { fromEnvironment, readShowsErrors } from './cli/environment.js'
import { EXIT, type ExitCode, Failure, usageError } from './cli/failure.js'
import { findCommand } from './cli/find-command.js'
import { commandHelp, groupHelp, overallHelp } from './cli/help.js'
import { agentRun } from './commands/agent-run.js'
import { audit } from './commands/audit.js'
import { build } from './commands/build.js'
import { certs } from './commands/certs.js'
import { check } from './commands/check.js'
import { clockConfirm } from './commands/clock-confirm.js'
import { dedupLogs } from './commands/dedup-logs.js'
import { dedupLogsAdd } from './commands/dedup-logs-add.js'
import { dedupLogsRetire } from './commands/dedup-logs-retire.js'
import { dedupRebuild } from './commands/dedup-rebuild.js'
import { dedupVerify } from './commands/dedup-verify.js'
import { get } from './commands/get.js'
import { keygen } from './commands/keygen.js'
import { outboxAdd } from './commands/outbox-add.js'
import { outboxCompact } from './commands/outbox-compact.js'
import { outboxList } from './commands/outbox-list.js'
import { outboxRetry } from './commands/outbox-retry.js'
import { outboxSend } from './commands/outbox-send.js'
import { sign } from './commands/sign.js'
import { submit } from './commands/submit.js'
import { verify } from './commands/verify.js'
import { walBackup } from './commands/wal-backup.js'
import { walCompact } from './commands/wal-compact.js'
import { walDrain } from './commands/wal-drain.js'
import { walExport } from './commands/wal-export.js'
import { walInspect } from './commands/wal-inspect.js'
import { walReplay } from './commands/wal-replay.js'
import { walVerify } from './commands/wal-verify.js'

const commands: readonly Command[] = [
  keygen,
  certs,
  build,
  sign,
  verify,
  submit,
  get,
  check,
  agentRun,
  outboxAdd,
  outboxList,
  outboxSend,
  outboxRetry,
  outboxCompact,
  walInspect,
  walVerify,
  walExport,
  walBackup,
  walReplay,
  walCompact,
  walDrain,
  dedupVerify,
  dedupRebuild,
  dedupLogs,
  dedupLogsAdd,
  dedupLogsRetire,
  clockConfirm,
  audit,
]

/** Runs one command line of `pcs`, all but the name of the program. Gives its exit code. */
export async function pcs(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  const [name] = args
  try {
    if (name === undefined) throw usageError('which command? See pcs --help')
    if (name === '--help' || name === '-h') return show(overallHelp(commands), terminal)
    if (name === '--version') return show(versionText(), terminal)
    if (name === 'help') return show(helpOn(args.slice(1)), terminal)
    const found = findCommand(commands, args)
    if ('command' in found) return await runCommand(found.command, found.rest, terminal)
    if (found.rest[0] === '--help' || found.rest[0] === '-h') return show(helpOn([found.group]), terminal)
    throw usageError(`which command of pcs ${found.group}? See pcs ${found.group} --help`)
  } catch (error) {
    return explain(error, terminal)
  }
}

async function runCommand(command: Command, args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  try {
    const given = readArguments(command, args)
    return given.help ? show(commandHelp(command), terminal) : await command.run(given, terminal)
  } catch (error) {
    if (!(error instanceof Failure) || error.exitCode !== EXIT.usage) throw error
    throw new Failure(`${error.message}\nSee pcs ${command.name} --help`, EXIT.usage, { cause: error.cause })
  }
}

function helpOn(names: readonly string[]): string {
  if (names.length === 0) return overallHelp(commands)
  const found = findCommand(commands, names)
  return 'command' in found ? commandHelp(found.command) : groupHelp(found.group, found.commands)
}

function versionText(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  const known = typeof manifest === 'object' && manifest !== null && 'version' in manifest
  return `pcs ${known ? String(manifest.version) : '(unknown)'} (records of version ${pcsVersion})\n`
}

function show(text: string, terminal: Terminal): ExitCode {
  terminal.out(text)
  return EXIT.done
}

/** One sentence for people; where it arose only for those who ask. */
function explain(error: unknown, terminal: Terminal): ExitCode {
  const known = error instanceof Failure
  const message = error instanceof Error ? error.message : String(error)
  terminal.err(`pcs: ${known ? message : `this should not have happened: ${printable(message)}`}\n`)
  if (fromEnvironment(terminal, readShowsErrors)) {
    terminal.err(`${error instanceof Error ? error.stack : message}\n`)
  } else if (!known) {
    terminal.err('PCS_DEBUG=1 shows where it arose\n')
  }
  return known ? error.exitCode : EXIT.refused
}
