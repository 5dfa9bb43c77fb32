import { defaultParameters, type Parameters } from '@fractal-lba/pcs'
import type { Terminal } from './command.js'
import { usageError } from './failure.js'

/**
 * The parameters that the budget is computed with, from the environment, as the server takes them.
 * @throws Failure when a variable is set, but is no finite number
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
  if (!Number.isFinite(value)) throw usageError(`${name} must be a finite number`)
  return value
}
