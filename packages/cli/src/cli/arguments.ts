import { parseArgs } from 'node:util'
import { printable } from '@fractal-lba/runtime/text'
import type { Command } from './command.js'
import { usageError } from './failure.js'

/** A whole number's limits, both inclusive. */
export interface Limits {
  readonly min: number
  readonly max: number
}

/** The arguments of one command, checked against the options that it names. */
export class Arguments {
  readonly help: boolean
  readonly #switches: ReadonlySet<string>
  readonly #values: ReadonlyMap<string, string>
  readonly #positionals: ReadonlyMap<string, string>

  constructor(
    help: boolean,
    switches: ReadonlySet<string>,
    values: ReadonlyMap<string, string>,
    positionals: ReadonlyMap<string, string>,
  ) {
    this.help = help
    this.#switches = switches
    this.#values = values
    this.#positionals = positionals
  }

  has(option: string): boolean {
    return this.#switches.has(option)
  }

  text(option: string): string | undefined {
    return this.#values.get(option)
  }

  /** @throws Failure when the option was not given */
  required(option: string): string {
    const value = this.#values.get(option)
    if (value === undefined) throw usageError(`--${option} must be given`)
    return value
  }

  /** An argument that may be left out. */
  argument(name: string): string | undefined {
    return this.#positionals.get(name)
  }

  /** @throws Failure when the argument was not given */
  positional(name: string): string {
    const value = this.#positionals.get(name)
    if (value === undefined) throw usageError(`${name} must be given`)
    return value
  }

  /** @throws Failure when the option is given, but is no whole number within the limits */
  integer(option: string, limits: Limits): number | undefined {
    const value = this.#values.get(option)
    return value === undefined ? undefined : wholeNumber(value, `--${option}`, limits)
  }

  /** @throws Failure when the option is not given or no whole number within the limits */
  requiredInteger(option: string, limits: Limits): number {
    return wholeNumber(this.required(option), `--${option}`, limits)
  }
}

/** @throws Failure that names the place and its limits */
export function wholeNumber(text: string, place: string, { min, max }: Limits): number {
  const value = /^-?(?:0|[1-9][0-9]*)$/.test(text) ? Number(text) : Number.NaN
  if (value >= min && value <= max) return value + 0
  throw usageError(`${place} must be a whole number from ${min} to ${max}`)
}

/**
 * Reads the arguments of a command. Values may begin with a dash where that makes sense (`-` for the standard
 * streams, negative numbers); anything else that does needs the form `--option=-value`.
 *
 * @throws Failure for an unknown or repeated option, a missing value, a surplus argument
 */
export function readArguments(command: Command, args: readonly string[]): Arguments {
  const known = new Map(command.options.map((option) => [option.name, option]))
  const { tokens } = parseArgs({
    args: [...args],
    options: {
      help: { type: 'boolean', short: 'h' },
      ...Object.fromEntries(
        command.options.map(({ name, value }) => [
          name,
          { type: value ? ('string' as const) : ('boolean' as const) },
        ]),
      ),
    },
    strict: false,
    allowPositionals: true,
    tokens: true,
  })
  const switches = new Set<string>()
  const values = new Map<string, string>()
  const positionals = new Map<string, string>()
  for (const token of tokens) {
    if (token.kind === 'positional') {
      const name = command.positionals?.[positionals.size]
      if (name === undefined) throw usageError(`unexpected argument ${printable(token.value)}`)
      positionals.set(name, token.value)
    } else if (token.kind === 'option') {
      const { name, rawName, value } = token
      if (name === 'help') return new Arguments(true, switches, values, positionals)
      const option = known.get(name)
      if (option === undefined) throw usageError(`unknown option ${printable(rawName)}`)
      if (switches.has(name) || values.has(name)) throw usageError(`${rawName} is given twice`)
      if (option.value === undefined) {
        if (value !== undefined) throw usageError(`${rawName} takes no value`)
        switches.add(name)
      } else {
        if (value === undefined || value === '') throw usageError(`${rawName} needs a value: ${option.value}`)
        if (!token.inlineValue && /^-[^0-9]/.test(value)) {
          throw usageError(
            `${rawName} needs a value: ${option.value} (one that begins with a dash is written ${rawName}=${printable(value)})`,
          )
        }
        values.set(name, value)
      }
    }
  }
  return new Arguments(false, switches, values, positionals)
}
