#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { pcsVersion } from '@fractal-lba/pcs'
import { readArguments } from './cli/arguments.js'
import type { Command, Terminal } from './cli/command.js'
import { EXIT, type ExitCode, Failure, usageError } from './cli/failure.js'
import { commandHelp, overallHelp } from './cli/help.js'
import { build } from './commands/build.js'
import { get } from './commands/get.js'
import { keygen } from './commands/keygen.js'
import { sign } from './commands/sign.js'
import { submit } from './commands/submit.js'
import { verify } from './commands/verify.js'
import { printable } from './printable.js'

const commands: readonly Command[] = [keygen, build, sign, verify, submit, get]

async function main(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  const [name, ...rest] = args
  try {
    if (name === undefined) throw usageError('which command? See pcs --help')
    if (name === '--help' || name === '-h') return show(overallHelp(commands), terminal)
    if (name === '--version') return show(versionText(), terminal)
    if (name === 'help') return show(helpOn(rest[0]), terminal)
    const command = commandNamed(name)
    return await runCommand(command, rest, terminal)
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

function commandNamed(name: string): Command {
  const command = commands.find((candidate) => candidate.name === name)
  if (command) return command
  const what = name.startsWith('-') ? 'option' : 'command'
  throw usageError(`unknown ${what} ${printable(name)}\nSee pcs --help`)
}

function helpOn(name: string | undefined): string {
  return name === undefined ? overallHelp(commands) : commandHelp(commandNamed(name))
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
  if (terminal.env.PCS_DEBUG === '1') {
    terminal.err(`${error instanceof Error ? error.stack : message}\n`)
  } else if (!known) {
    terminal.err('PCS_DEBUG=1 shows where it arose\n')
  }
  return known ? error.exitCode : EXIT.refused
}

// A reader that leaves early, as in `pcs --help | head -1`, is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit()
})

process.exitCode = await main(process.argv.slice(2), {
  env: process.env,
  stdin: process.stdin,
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
})
