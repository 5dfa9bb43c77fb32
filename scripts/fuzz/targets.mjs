import { fuzzTargets } from '@fractal-lba/test/fuzz'

// Nobody reads where a refusal was thrown, and to note it is a tenth of the time.
Error.stackTraceLimit = 0

/**
 * What a thread runs: each target by its name, from a seed; counts what came of it.
 * @type {Readonly<Record<string, (seed: number) => Promise<object>>>}
 */
export const simulations = Object.fromEntries(
  fuzzTargets.map(({ name, input, feed }) => [
    name,
    async (/** @type {number} */ seed) => ({ [await feed(input(seed))]: 1 }),
  ]),
)
