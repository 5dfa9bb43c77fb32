import { defaultParameters, type Parameters } from '@fractal-lba/pcs'
import { type Env, readServiceConfig, type ServiceConfig } from '@fractal-lba/runtime'

export interface ScoringConfig extends ServiceConfig {
  readonly parameters: Parameters
}

const TOLERANCE = { min: 0, max: 1_000 }
const WEIGHT = { min: -1_000, max: 1_000 }

export function readScoringConfig(env: Env): ScoringConfig {
  const defaults = defaultParameters
  return {
    ...readServiceConfig(env, 'signal-scoring'),
    parameters: {
      tolD: env.number('PCS_TOL_D', defaults.tolD, TOLERANCE),
      tolCoh: env.number('PCS_TOL_COH', defaults.tolCoh, TOLERANCE),
      tolBudget: env.number('PCS_TOL_BUDGET', defaults.tolBudget, TOLERANCE),
      tolR: env.number('PCS_TOL_R', defaults.tolR, TOLERANCE),
      alpha: env.number('PCS_ALPHA', defaults.alpha, WEIGHT),
      beta: env.number('PCS_BETA', defaults.beta, WEIGHT),
      gamma: env.number('PCS_GAMMA', defaults.gamma, WEIGHT),
      base: env.number('PCS_BASE', defaults.base, WEIGHT),
      d0: env.number('PCS_D0', defaults.d0, WEIGHT),
    },
  }
}
