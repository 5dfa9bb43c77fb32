import { Env } from '@fractal-lba/runtime/env'
import type { Terminal } from './command.js'
import { usageError } from './failure.js'

/**
 * Reads all variables of a command. This is the only way to them, so that no command goes on with a malformed one.
 * @param readLater what is read again later, elsewhere: its mistakes are named with the others, but are none alone
 * @throws Failure that names every variable at fault, not the first alone
 */
export function fromEnvironment<Result>(
  { variables }: Terminal,
  read: (env: Env) => Result,
  readLater?: (env: Env) => unknown,
): Result {
  const env = new Env({ ...variables })
  const result = read(env)
  if (env.mistakes.length === 0) return result
  const later = new Env({ ...variables })
  readLater?.(later)
  throw usageError([...env.mistakes, ...later.mistakes].join('\n'))
}

/** Whether a person wants to see where in the program an error arose. */
export function readShowsErrors(env: Env): boolean {
  return env.optional('PCS_DEBUG') === '1'
}
