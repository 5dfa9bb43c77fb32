import { type JsonValue, parseJson, pointerTo } from '@fractal-lba/pcs'

const RECORD_FIELDS = new Set([
  'pcs_id',
  'schema',
  'version',
  'shard_id',
  'epoch',
  'attempt',
  'sent_at',
  'seed',
  'scales',
  'N_j',
  'coh_star',
  'v_star',
  'D_hat',
  'r',
  'budget',
  'regime',
  'merkle_root',
  'sig',
  'ft',
])
const FT_FIELDS = new Set(['outbox_seq', 'degraded', 'fallbacks', 'clock_skew_ms'])

/**
 * JSON pointers of the fields that the contract does not name, which a rewritten record therefore lacks.
 * @throws MalformedRecord when the bytes are no JSON by the contract's section 6
 */
export function unnamedFields(bytes: Uint8Array): string[] {
  const record = parseJson(bytes)
  const ft = record instanceof Map ? record.get('ft') : undefined
  return [...unnamed(record, RECORD_FIELDS, ''), ...unnamed(ft, FT_FIELDS, '/ft')]
}

function unnamed(value: JsonValue | undefined, named: ReadonlySet<string>, parent: string): string[] {
  if (!(value instanceof Map)) return []
  return [...value.keys()].filter((key) => !named.has(key)).map((key) => pointerTo(parent, key))
}
