import { hash } from 'node:crypto'
import { pythonFloat } from './canonical.js'

/** What a record is judged with (docs/contract.md, section 3). */
export interface Parameters {
  readonly tolD: number
  readonly tolCoh: number
  readonly tolBudget: number
  readonly tolR: number
  readonly alpha: number
  readonly beta: number
  readonly gamma: number
  readonly base: number
  readonly d0: number
}

export const defaultParameters: Parameters = {
  tolD: 0.15,
  tolCoh: 0.05,
  tolBudget: 0.01,
  tolR: 0,
  alpha: 0.3,
  beta: 0.5,
  gamma: 0.2,
  base: 0.1,
  d0: 2.2,
}

/** A short name of a set of parameters, 12 hex digits: equal sets have equal names, in every process and for ever. */
export function parametersHash(p: Parameters): string {
  const values = [p.tolD, p.tolCoh, p.tolBudget, p.tolR, p.alpha, p.beta, p.gamma, p.base, p.d0]
  // Adding 0 makes -0 the 0 that it is in every judgement.
  return hash(
    'sha256',
    `fractal-lba/params/v1|${values.map((value) => pythonFloat(value + 0)).join('|')}`,
    'hex',
  ).slice(0, 12)
}
