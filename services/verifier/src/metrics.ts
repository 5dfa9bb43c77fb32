import { Counter, type Registry } from '@fractal-lba/runtime'

const RESULTS = ['verified', 'malformed', 'unauthenticated', 'failed'] as const

export type VerifyResultLabel = (typeof RESULTS)[number]

/** @returns counts one record, by what came of it */
export function createVerifierMetrics(registry: Registry): (result: VerifyResultLabel) => void {
  const records = new Counter({
    name: 'verifier_records_total',
    help: 'Records that were looked at, by what came of it; live ones and replayed ones.',
    labelNames: ['result'],
    registers: [registry],
  })
  // a rate over a series that is not there yet misses its first step
  for (const result of RESULTS) records.inc({ result }, 0)
  return (result) => records.inc({ result })
}
