import { defaultParameters, type Parameters } from '@fractal-lba/pcs'
import type { Env } from '@fractal-lba/runtime/env'

/** As the judge limits them: what it would not start with makes no record that it could accept. */
const WEIGHT_RANGE = { min: -1_000, max: 1_000 }

/** The parameters that the budget is computed with, as the server takes them. */
export function readParameters(env: Env): Parameters {
  const { alpha, beta, gamma, base, d0 } = defaultParameters
  return {
    ...defaultParameters,
    alpha: env.number('PCS_ALPHA', alpha, WEIGHT_RANGE),
    beta: env.number('PCS_BETA', beta, WEIGHT_RANGE),
    gamma: env.number('PCS_GAMMA', gamma, WEIGHT_RANGE),
    base: env.number('PCS_BASE', base, WEIGHT_RANGE),
    d0: env.number('PCS_D0', d0, WEIGHT_RANGE),
  }
}
