import { createHash } from 'node:crypto'
import { type Ed25519PrivateKey, type HmacKey, pcsId, sign } from '@fractal-lba/pcs'

/** A record as an agent sends it, each field free to be changed. */
export interface TestRecord {
  pcs_id: string
  schema: string
  version: string
  shard_id: string
  epoch: number
  attempt: number
  sent_at: string
  seed: number
  scales: number[]
  N_j: Record<string, number>
  coh_star: number
  v_star: [number, number, number]
  D_hat: number
  r: number
  regime: 'sticky' | 'mixed' | 'non_sticky'
  budget: number
  merkle_root: string
  sig: string
  ft: { outbox_seq: number; degraded: boolean; fallbacks: string[]; clock_skew_ms: number }
}

export type SigningKey = HmacKey | Ed25519PrivateKey

/** Makes as many valid, signed records as are wanted, all with different ids. */
export class RecordMaker {
  #made = 0

  /** @param name becomes a part of each shard_id: makers of one constellation have different ones. */
  constructor(
    readonly key: SigningKey,
    readonly name: string,
  ) {}

  /** The id belongs to the changed parts unless it is itself among the changes; the signature fits in any case. */
  next(changes: Partial<TestRecord> = {}): TestRecord {
    this.#made += 1
    const shardId = `${this.name}-${this.#made}`
    const record: TestRecord = {
      pcs_id: '',
      schema: 'fractal-lba-kakeya',
      version: '0.1',
      shard_id: shardId,
      epoch: this.#made,
      attempt: 1,
      sent_at: '2026-01-01T00:00:00Z',
      seed: 42,
      scales: [2, 4, 8, 16, 32],
      N_j: { '2': 3, '4': 5, '8': 9, '16': 17, '32': 31 },
      coh_star: 0.73,
      v_star: [0.12, 0.98, -0.05],
      D_hat: 0.866733469,
      r: 0.5,
      regime: 'sticky',
      budget: 0.396,
      merkle_root: createHash('sha256').update(shardId).digest('hex'),
      sig: '',
      ft: { outbox_seq: this.#made, degraded: false, fallbacks: [], clock_skew_ms: 0 },
      ...changes,
    }
    if (changes.pcs_id === undefined) record.pcs_id = pcsId(record.merkle_root, record.epoch, record.shard_id)
    return resigned(record, this.key)
  }
}

/** The same record under another key. */
export function resigned(record: TestRecord, key: SigningKey): TestRecord {
  return { ...record, sig: sign(record, key) }
}

/** Another content under the same id, with a signature that holds: the seed is in the fingerprint, not signed. */
export function twinOf(record: TestRecord): TestRecord {
  return { ...record, seed: record.seed + 1 }
}

/** What an honest agent sends when it tries again: all that may change has changed. */
export function retryOf(record: TestRecord): TestRecord {
  return {
    ...record,
    attempt: record.attempt + 1,
    sent_at: '2026-01-02T03:04:05.678+09:00',
    ft: { outbox_seq: record.ft.outbox_seq + 7, degraded: true, fallbacks: ['r'], clock_skew_ms: -12 },
  }
}

export function textOf(record: Partial<TestRecord>): string {
  return JSON.stringify(record)
}

/** One kind of record for each outcome of the contract's section 4, in the order of its table. */
export const outcomeKinds: readonly OutcomeKind[] = [
  {
    name: 'pcs_id is not the hash of its parts',
    changes: { pcs_id: '0'.repeat(64) },
    status: 202,
    accepted: false,
    reason: 'pcs_id_mismatch',
    stored: false,
  },
  {
    name: 'D_hat cannot be computed',
    changes: { scales: [4, 4, 4], N_j: { '4': 5 } },
    status: 202,
    accepted: false,
    reason: 'd_hat_not_computable',
    stored: true,
  },
  {
    name: 'D_hat out of tolerance',
    changes: { D_hat: 1.5 },
    status: 202,
    accepted: false,
    reason: 'd_hat_out_of_tolerance',
    stored: true,
  },
  {
    name: 'coh_star out of bounds',
    changes: { coh_star: 1.051 },
    status: 202,
    accepted: false,
    reason: 'coh_star_out_of_bounds',
    stored: true,
  },
  {
    name: 'r out of bounds',
    changes: { r: 1.000000001 },
    status: 202,
    accepted: false,
    reason: 'r_out_of_bounds',
    stored: true,
  },
  {
    name: 'another regime',
    changes: { regime: 'mixed' },
    status: 202,
    accepted: true,
    reason: 'regime_mismatch',
    stored: true,
  },
  {
    name: 'another budget',
    changes: { budget: 0.5 },
    status: 202,
    accepted: true,
    reason: 'budget_deviation',
    stored: true,
  },
  { name: 'all checks hold', changes: {}, status: 200, accepted: true, reason: undefined, stored: true },
]

interface OutcomeKind {
  readonly name: string
  readonly changes: Partial<TestRecord>
  readonly status: 200 | 202
  readonly accepted: boolean
  readonly reason: string | undefined
  readonly stored: boolean
}
