import { defaultParameters, type Parameters } from '@fractal-lba/pcs'
import type { Terminal } from './command.js'
import { usageError } from './failure.js'

/** As the judge limits them: what it would not start with makes no record that it could accept. */
const WEIGHT_MAX = 1_000

/**
 * The parameters that the budget is computed with, from the environment, as the server takes them.
 * @throws Failure when a variable is set, but is no number that the server takes
 */
export function parametersFrom(env: Terminal['env']): Parameters {
  return {
    ...defaultParameters,
    alpha: number(env, 'PCS_ALPHA', defaultParameters.alpha),
    beta: number(env, 'PCS_BETA', defaultParameters.beta),
    gamma: number(env, 'PCS_GAMMA', defaultParameters.gamma),
    base: number(env, 'PCS_BASE', defaultParameters.base),
    d0: number(env, 'PCS_D0', defaultParameters.d0),
  }
}

function number(env: Terminal['env'], name: string, fallback: number): number {
  const text = env[name]
  if (text === undefined || text === '') return fallback
  const value = /^-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text) ? Number(text) : Number.NaN
  if (!(Math.abs(value) <= WEIGHT_MAX))
    throw usageError(`${name} must be a number from -${WEIGHT_MAX} to ${WEIGHT_MAX}`)
  return value
}
