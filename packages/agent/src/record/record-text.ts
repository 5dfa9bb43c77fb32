import { type Pcs, pythonFloat, pythonString } from '@fractal-lba/pcs'

/**
 * The record as one line of JSON, ASCII only, without a line end: fields in the order of the contract's
 * section 1, floats always with a point or an exponent, as deployed agents write them. An unsigned record has
 * an empty `sig`. The same record gives the same text.
 */
export function recordText(record: Pcs): string {
  const { ft } = record
  const counts = [...record.N_j].map(([scale, count]) => `${pythonString(scale)}:${count}`)
  return (
    `{"pcs_id":${pythonString(record.pcs_id)},"schema":${pythonString(record.schema)},` +
    `"version":${pythonString(record.version)},"shard_id":${pythonString(record.shard_id)},` +
    `"epoch":${record.epoch},"attempt":${record.attempt},"sent_at":${pythonString(record.sent_at)},` +
    `"seed":${record.seed},"scales":[${record.scales.join(',')}],"N_j":{${counts.join(',')}},` +
    `"coh_star":${pythonFloat(record.coh_star)},"D_hat":${pythonFloat(record.D_hat)},` +
    `"r":${pythonFloat(record.r)},"budget":${pythonFloat(record.budget)},` +
    `"v_star":[${record.v_star.map(pythonFloat).join(',')}],"regime":${pythonString(record.regime)},` +
    `"merkle_root":${pythonString(record.merkle_root)},"sig":${pythonString(record.sig ?? '')},` +
    `"ft":{"outbox_seq":${ft.outbox_seq},"degraded":${ft.degraded},` +
    `"fallbacks":[${ft.fallbacks.map(pythonString).join(',')}],"clock_skew_ms":${ft.clock_skew_ms}}}`
  )
}
