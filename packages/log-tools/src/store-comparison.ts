import { dedup } from '@fractal-lba/proto'

/** What a comparison of store and marks came to; the names are those of its JSON. */
export interface StoreComparison {
  readonly logs: readonly { readonly address: string; readonly log_id: string }[]
  readonly marks: number
  readonly missing: number
  readonly different: number
  readonly unreadable: number
  /** The first of them. */
  readonly differences: readonly StoreDifference[]
}

export interface StoreDifference {
  readonly kind: 'missing' | 'different' | 'unreadable'
  readonly log_id: string
  readonly sequence: number
  readonly pcs_id: string
}

const DIFFERENCES_MAX = 1_000

const { KIND_MISSING, KIND_UNREADABLE } = dedup.Difference_Kind

/** Adds up the service's findings, one stretch of a log after the other. */
export async function compared(
  stretches: AsyncIterable<dedup.VerifyResponse>,
  progress: { begin(total: number): void; add(amount: number): void; end(): void },
): Promise<StoreComparison> {
  const total = { marks: 0, missing: 0, different: 0, unreadable: 0 }
  const logs = new Map<string, string>()
  const differences: StoreDifference[] = []
  try {
    for await (const stretch of stretches) {
      if (!logs.has(stretch.logAddress)) {
        logs.set(stretch.logAddress, stretch.logId)
        progress.begin(Math.max(1, stretch.endSequence - 1))
      }
      progress.add(stretch.nextSequence - stretch.fromSequence)
      total.marks += stretch.marks
      total.missing += stretch.missing
      total.different += stretch.different
      total.unreadable += stretch.unreadable
      for (const { kind, sequence, pcsId } of stretch.differences) {
        if (differences.length === DIFFERENCES_MAX) break
        differences.push({ kind: nameOf(kind), log_id: stretch.logId, sequence, pcs_id: pcsId })
      }
    }
  } finally {
    progress.end()
  }
  const known = [...logs].map(([address, log_id]) => ({ address, log_id }))
  return { logs: known, ...total, differences }
}

function nameOf(kind: dedup.Difference_Kind): StoreDifference['kind'] {
  if (kind === KIND_MISSING) return 'missing'
  return kind === KIND_UNREADABLE ? 'unreadable' : 'different'
}
