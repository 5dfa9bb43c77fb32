import { printable } from '@fractal-lba/runtime/text'
import type { Command } from './command.js'
import { usageError } from './failure.js'

/** A command and what was given to it; `group`: only the first word of several commands was given. */
export type Found =
  | { readonly command: Command; readonly rest: readonly string[] }
  | { readonly group: string; readonly commands: readonly Command[]; readonly rest: readonly string[] }

/**
 * The command that the first words name, as many as it has: `pcs build …`, `pcs outbox list …`, `pcs dedup logs add …`.
 * @throws Failure for a name that there is not
 */
export function findCommand(commands: readonly Command[], args: readonly string[]): Found {
  const [first = '', second, third] = args
  const command = commands.find(({ name }) => name === first)
  if (command) return { command, rest: args.slice(1) }
  const inGroup = commands.filter(({ name }) => name.startsWith(`${first} `))
  if (first !== '' && inGroup.length > 0) {
    if (second === undefined || second.startsWith('-')) {
      return { group: first, commands: inGroup, rest: args.slice(1) }
    }
    const long = inGroup.find(({ name }) => name === `${first} ${second} ${third}`)
    if (long) return { command: long, rest: args.slice(3) }
    const member = inGroup.find(({ name }) => name === `${first} ${second}`)
    if (member) return { command: member, rest: args.slice(2) }
    throw usageError(`unknown command ${first} ${printable(second)}\nSee pcs ${first} --help`)
  }
  const what = first.startsWith('-') ? 'option' : 'command'
  throw usageError(`unknown ${what} ${printable(first)}\nSee pcs --help`)
}
