import { dedup } from '@fractal-lba/proto'
import { Counter, Gauge, Histogram, LATENCY_BUCKETS_SECONDS, type Registry } from '@fractal-lba/runtime'
import type { Store } from './store.js'

export interface DedupMetrics {
  /** Runs an operation on a batch and observes how long it took. */
  timed<T>(operation: 'lookup' | 'put' | 'get', work: () => Promise<T>): Promise<T>
  /** Counts what was found under one id. */
  found(operation: 'lookup' | 'put', finding: dedup.Finding): void
  readonly fills: Counter
  readonly marksRead: Counter
  readonly corrections: Counter
  readonly integrityConflicts: Counter
  readonly snapshotFailures: Counter
  /** From 0 to 1. */
  readonly fillProgress: Gauge
}

const FINDING_LABELS: Readonly<Partial<Record<dedup.Finding, string>>> = {
  [dedup.Finding.FINDING_ABSENT]: 'absent',
  [dedup.Finding.FINDING_OWN]: 'own',
  [dedup.Finding.FINDING_DUPLICATE]: 'duplicate',
  [dedup.Finding.FINDING_CONFLICT]: 'conflict',
}

export function createDedupMetrics(
  registry: Registry,
  store: Store,
  clockJumpMs: () => number,
): DedupMetrics {
  const registers = [registry]
  const duration = new Histogram({
    name: 'dedup_operation_duration_seconds',
    help: 'Time that one operation on a batch of ids took.',
    labelNames: ['backend', 'operation'],
    buckets: LATENCY_BUCKETS_SECONDS,
    registers,
  })
  const gauge = (name: string, help: string, read: () => number): void => {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read())
      },
    })
  }
  const counter = (name: string, help: string): Counter => new Counter({ name, help, registers })

  gauge('dedup_remembered_ids', 'Ids that the store remembers.', () => store.state().remembered)
  new Gauge({
    name: 'dedup_store_up',
    help: '1 while the store can be asked.',
    labelNames: ['backend'],
    registers,
    collect() {
      this.set({ backend: store.backend }, store.state().up ? 1 : 0)
    },
  })
  gauge(
    'dedup_clock_jump_seconds',
    'How far the wall clock has jumped ahead since the start of the process; nothing expires by it.',
    () => clockJumpMs() / 1000,
  )
  const findings = new Counter({
    name: 'dedup_findings_total',
    help: 'Ids that were looked up or put, by what was found under them; own: new, or put by the same submission.',
    labelNames: ['operation', 'finding'],
    registers,
  })
  // a rate over a series that is not there yet misses its first step
  for (const finding of Object.values(FINDING_LABELS)) {
    for (const operation of ['lookup', 'put']) findings.inc({ operation, finding }, 0)
  }
  return {
    found: (operation, finding) => {
      const label = FINDING_LABELS[finding]
      if (label !== undefined) findings.inc({ operation, finding: label })
    },
    timed: async (operation, work) => {
      const end = duration.startTimer({ backend: store.backend, operation })
      try {
        return await work()
      } finally {
        end()
      }
    },
    fills: counter('dedup_fills_total', 'Fills of the index from the marks of the logs that were begun.'),
    marksRead: counter('dedup_marks_read_total', 'Marks read back from the logs.'),
    corrections: counter(
      'dedup_store_corrections_total',
      'Entries of the store that differed from a mark and were replaced by what the mark says.',
    ),
    integrityConflicts: counter(
      'dedup_integrity_conflicts_total',
      'Marks that contradict each other, or that cannot be read: what no fault may produce.',
    ),
    snapshotFailures: counter('dedup_snapshot_failures_total', 'Snapshots that could not be written.'),
    fillProgress: new Gauge({
      name: 'dedup_fill_progress_ratio',
      help: 'How much of the logs has been read by the fill under way; 1 when the index is filled.',
      registers,
    }),
  }
}
