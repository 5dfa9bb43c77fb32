import type { KeyRing } from '@fractal-lba/pcs'
import { Counter, Gauge, type Registry } from '@fractal-lba/runtime'

const RESULTS = ['verified', 'malformed', 'unauthenticated', 'failed'] as const

const USED_MAX = 10_000

export type VerifyResultLabel = (typeof RESULTS)[number]

export interface VerifierMetrics {
  /** One record, by what came of it. */
  count(result: VerifyResultLabel): void
  /** One record that verified under this key. */
  used(keyId: string): void
}

export interface VerifierState {
  /** The keys of now: their number bounds that of the series. */
  readonly ring: () => KeyRing
  /** Ed25519 signatures that are not handed to a thread yet. */
  readonly waiting: () => number
}

export function createVerifierMetrics(registry: Registry, { ring, waiting }: VerifierState): VerifierMetrics {
  const registers = [registry]
  const records = new Counter({
    name: 'verifier_records_total',
    help: 'Records that were looked at, by what came of it; live ones and replayed ones.',
    labelNames: ['result'],
    registers,
  })
  // a rate over a series that is not there yet misses its first step
  for (const result of RESULTS) records.inc({ result }, 0)
  new Gauge({
    ...{ registers, name: 'verifier_signatures_waiting' },
    help: 'Ed25519 signatures that wait for a thread; at VERIFY_QUEUE the next one is refused (503).',
    collect() {
      this.set(waiting())
    },
  })
  const byKey = { registers, labelNames: ['key'] as const }
  const keys = () => {
    const current = ring()
    return current.algorithm === 'none' ? [] : current.keys
  }
  const verified = new Map<string, { count: number; lastMs: number }>()
  new Counter({
    ...{ ...byKey, name: 'verifier_key_records_total' },
    help: 'Records that verified under a key, since it was first used in this life of the process.',
    collect() {
      this.reset()
      for (const { id } of keys()) this.inc({ key: id }, verified.get(id)?.count ?? 0)
    },
  })
  new Gauge({
    ...{ ...byKey, name: 'verifier_key_last_used_timestamp_seconds' },
    help: 'When a record last verified under a key in this life of the process, Unix time; 0: not yet.',
    collect() {
      this.reset()
      for (const { id } of keys()) this.set({ key: id }, (verified.get(id)?.lastMs ?? 0) / 1000)
    },
  })
  new Gauge({
    ...{ ...byKey, name: 'verifier_key_not_before_timestamp_seconds' },
    help: 'When the window of a key begins, Unix time; keys without one have no series.',
    collect() {
      this.reset()
      for (const { id, rules } of keys()) {
        if (rules.notBeforeMs !== undefined) this.set({ key: id }, rules.notBeforeMs / 1000)
      }
    },
  })
  new Gauge({
    ...{ ...byKey, name: 'verifier_key_not_after_timestamp_seconds' },
    help: 'When the window of a key ends, Unix time; keys without one have no series.',
    collect() {
      this.reset()
      for (const { id, rules } of keys()) {
        if (rules.notAfterMs !== undefined) this.set({ key: id }, rules.notAfterMs / 1000)
      }
    },
  })
  return {
    count: (result) => records.inc({ result }),
    used(keyId) {
      const of = verified.get(keyId) ?? { count: 0, lastMs: 0 }
      of.count += 1
      of.lastMs = Date.now()
      // A key that is gone is forgotten with the ring; so many are never there at once.
      if (verified.size > USED_MAX) verified.clear()
      verified.set(keyId, of)
    },
  }
}
