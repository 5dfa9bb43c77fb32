/** How `pcs` ends; scripts rely on these numbers, and the help texts name them. */
export const EXIT = {
  done: 0,
  /** The answer is no: a record or file that is wrong, a signature that does not verify, a refusal. */
  refused: 1,
  /** The command line or the environment is wrong. */
  usage: 2,
  /** Nobody judged the record; the same submission may succeed later. */
  tryLater: 3,
} as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** Ends the command with a sentence for people, which may hold further, indented lines, and an exit code. */
export class Failure extends Error {
  override readonly name = 'Failure'
  readonly exitCode: ExitCode

  constructor(message: string, exitCode: ExitCode = EXIT.refused, options?: ErrorOptions) {
    super(message, options)
    this.exitCode = exitCode
  }
}

/** A command line or an environment that cannot be followed. */
export function usageError(message: string): Failure {
  return new Failure(message, EXIT.usage)
}
