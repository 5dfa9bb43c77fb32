import type { Arguments } from './arguments.js'
import type { ExitCode } from './failure.js'

/** One option of a command. */
export interface Option {
  /** Without its dashes. */
  readonly name: string
  readonly help: string
  /** What stands for the value in help texts; an option without one is a switch. */
  readonly value?: string
}

/** What a command may touch of the process. */
export interface Terminal {
  /** The environment; `fromEnvironment` reads it. */
  readonly variables: Readonly<Record<string, string | undefined>>
  readonly stdin: AsyncIterable<Uint8Array>
  /** Results: what a pipe takes on. */
  readonly out: (text: string) => void
  /** Remarks for people. */
  readonly err: (text: string) => void
  /** Whether remarks go to a screen that can be drawn on: a progress bar is shown only there. */
  readonly drawable: boolean
}

/** One command of `pcs`: what its help says and what it does. */
export interface Command {
  /** One word, or more for a command of a group: `build`, `outbox list`, `dedup logs add`. */
  readonly name: string
  /** One line for the list of commands. */
  readonly summary: string
  /** What follows `Usage: pcs`. */
  readonly usage: string
  readonly options: readonly Option[]
  /** Names of the arguments that are no options, in their order. */
  readonly positionals?: readonly string[]
  /** Paragraphs below the options: environment, examples, exit codes. */
  readonly notes: string
  readonly run: (given: Arguments, terminal: Terminal) => Promise<ExitCode>
}
