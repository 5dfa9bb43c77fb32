/** A valid record, each value as the JSON text that stands on the wire. */
const valid: Readonly<Record<string, string>> = {
  pcs_id: '"c248cdf62583c11af721b35007fceb6010132732033c935a650402534a5eaf41"',
  schema: '"fractal-lba-kakeya"',
  version: '"0.1"',
  shard_id: '"shard-a"',
  epoch: '1',
  attempt: '1',
  sent_at: '"2026-01-01T00:00:00Z"',
  seed: '42',
  scales: '[2,4,8,16,32]',
  N_j: '{"2":3,"4":5,"8":9,"16":17,"32":31}',
  coh_star: '0.73',
  v_star: '[0.12,0.98,-0.05]',
  D_hat: '0.866733469',
  r: '0.5',
  regime: '"sticky"',
  budget: '0.396',
  merkle_root: '"dfe09678f6d3bff6f028eee827402ef79f1fc487b1e0d45f2b297f044d32a908"',
  sig: '"UQ2fXLyelg81y8aeGBZVWNbkY3Um/aO2iD9NAWUc7EE="',
  ft: '{"outbox_seq":1,"degraded":false,"fallbacks":[],"clock_skew_ms":0}',
}

/** The names of the record's fields. */
export const fieldNames: readonly string[] = Object.keys(valid)

/** The bytes of a valid record with some fields changed to another JSON text; null takes a field out. */
export function recordBytes(changes: Readonly<Record<string, string | null>> = {}): Buffer {
  const members = Object.entries({ ...valid, ...changes }).filter(([, text]) => text !== null)
  return Buffer.from(`{${members.map(([key, text]) => `${JSON.stringify(key)}:${text}`).join(',')}}`)
}
