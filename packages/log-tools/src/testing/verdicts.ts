import { defaultParameters, parametersHash } from '@fractal-lba/pcs'
import type { record } from '@fractal-lba/proto'

/** A plain acceptance, as a mark carries it. */
export function verdictOf(pcsId: string, more: Partial<record.Verdict> = {}): record.Verdict {
  return {
    outcome: {
      pcsId,
      accepted: true,
      escalated: false,
      recomputedDHat: 1.5,
      recomputedBudget: 0,
      params: parametersHash(defaultParameters),
    },
    fingerprint: Buffer.concat([Buffer.from([1]), Buffer.alloc(32, 0x11)]),
    keyId: 'key-1',
    parameters: { ...defaultParameters },
    judgedAtMs: Date.parse('2026-01-01T00:00:00Z'),
    origin: undefined,
    ...more,
  }
}
