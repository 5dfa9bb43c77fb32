import { reasons } from '@fractal-lba/pcs'
import { Counter, type Registry } from '@fractal-lba/runtime'

/** The reason of what was not escalated. */
const NONE = 'none'
/** Of what could not be judged at all. */
const FAILED = 'failed'

export interface ScoringMetrics {
  /** @param reason why the record was escalated; undefined where it was not */
  judged(reason: string | undefined): void
  failed(): void
}

export function createScoringMetrics(registry: Registry): ScoringMetrics {
  const judgements = new Counter({
    name: 'scoring_judgements_total',
    help: 'Records that were judged, by the reason of their escalation; `none`: not escalated, `failed`: not judged.',
    labelNames: ['reason'],
    registers: [registry],
  })
  // a rate over a series that is not there yet misses its first step
  for (const reason of [NONE, ...reasons, FAILED]) judgements.inc({ reason }, 0)
  return {
    judged: (reason = NONE) => judgements.inc({ reason }),
    failed: () => judgements.inc({ reason: FAILED }),
  }
}
