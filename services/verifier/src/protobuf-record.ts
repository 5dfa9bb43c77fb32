import { JsonNumber, type JsonValue, MalformedRecord } from '@fractal-lba/pcs'
import { decodeStrictly, ingest } from '@fractal-lba/proto'

/**
 * A flk.ingest.v1.PcsRecord as the same tree that the JSON parser makes, so that one set of rules validates both
 * and the same content gives the same fingerprint. What is not set is missing.
 *
 * @throws MalformedRecord when the bytes are no such message, or an integer is beyond 2^53 − 1.
 */
export function recordFromProtobuf(body: Uint8Array): JsonValue {
  const record = decode(body)
  return tree({
    pcs_id: record.pcsId,
    schema: record.schema,
    version: record.version,
    shard_id: record.shardId,
    epoch: record.epoch,
    attempt: record.attempt,
    sent_at: record.sentAt,
    seed: record.seed,
    scales: record.scales,
    N_j: record.nJ,
    coh_star: float(record.cohStar),
    v_star: record.vStar.map((value) => new JsonNumber(value, false)),
    D_hat: float(record.dHat),
    r: float(record.r),
    budget: float(record.budget),
    regime: record.regime,
    merkle_root: record.merkleRoot,
    sig: record.sig,
    ft: record.ft && faultTolerance(record.ft),
  })
}

function decode(body: Uint8Array): ingest.PcsRecord {
  try {
    return decodeStrictly(ingest.PcsRecord, body)
  } catch {
    // What the decoder says may hold parts of the payload; the rule is all that is told.
    const detail = 'not a serialised flk.ingest.v1.PcsRecord with integers within ±(2^53 - 1)'
    throw new MalformedRecord([{ pointer: '', detail }])
  }
}

function faultTolerance(ft: ingest.FaultTolerance): JsonValue {
  return tree({
    outbox_seq: ft.outboxSeq,
    degraded: ft.degraded,
    fallbacks: ft.fallbacks,
    clock_skew_ms: ft.clockSkewMs,
  })
}

function tree(fields: Readonly<Record<string, JsonValue | undefined>>): JsonValue {
  const entries = Object.entries(fields).filter(
    (entry): entry is [string, JsonValue] => entry[1] !== undefined,
  )
  return new Map(entries)
}

/** A double is never of integer form; that it is finite is the validation's to see. */
function float(value: number | undefined): JsonNumber | undefined {
  return value === undefined ? undefined : new JsonNumber(value, false)
}
