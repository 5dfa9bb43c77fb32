import type { ingest } from '@fractal-lba/proto'
import type { TestRecord } from './records.js'

/** The same record as gRPC carries it. */
export function typed(record: TestRecord): ingest.PcsRecord {
  const { outbox_seq: outboxSeq, degraded, fallbacks, clock_skew_ms: clockSkewMs } = record.ft
  return {
    pcsId: record.pcs_id,
    schema: record.schema,
    version: record.version,
    shardId: record.shard_id,
    epoch: record.epoch,
    attempt: record.attempt,
    sentAt: record.sent_at,
    seed: record.seed,
    scales: record.scales,
    nJ: new Map(Object.entries(record.N_j)),
    cohStar: record.coh_star,
    vStar: record.v_star,
    dHat: record.D_hat,
    r: record.r,
    budget: record.budget,
    regime: record.regime,
    merkleRoot: record.merkle_root,
    sig: record.sig,
    ft: { outboxSeq, degraded, fallbacks, clockSkewMs },
  }
}
