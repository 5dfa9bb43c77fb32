import { faultToleranceFields, recordFields } from '@fractal-lba/pcs'

const INTEGER_MAX = Number.MAX_SAFE_INTEGER

const count = (description: string, minimum = 0) => ({
  type: 'integer',
  minimum,
  maximum: INTEGER_MAX,
  description,
})
const float = (description: string) => ({ type: 'number', description })

export const PCS_ID_PATTERN = '^[0-9a-f]{64}$'

/** The record of the contract's section 1. What JSON Schema cannot say is in the descriptions. */
export const recordSchema = {
  type: 'object',
  description:
    'Proof-of-Computation Summary. All fields are required, null is wrong, other fields are ignored. One JSON object in strict form: UTF-8 without a byte-order mark, no duplicate keys at any depth, at most 16 levels deep. Integers are written without a point or an exponent.',
  required: recordFields,
  properties: {
    pcs_id: {
      type: 'string',
      pattern: PCS_ID_PATTERN,
      description:
        'SHA-256 of `merkle_root|epoch|shard_id` in UTF-8, as lower-case hex. One of the right form but of other parts is escalated as `pcs_id_mismatch`.',
    },
    schema: { const: 'fractal-lba-kakeya' },
    version: {
      type: 'string',
      pattern: '^0\\.[1-9][0-9]*$',
      description: 'MAJOR.MINOR. This gateway takes 0.1 and the newer minor versions of it.',
    },
    shard_id: {
      type: 'string',
      minLength: 1,
      maxLength: 256,
      pattern: '^[^\\u0000-\\u001f\\u007f-\\u009f]+$',
      description: 'Code points; no control characters.',
    },
    epoch: count('Of the shard.'),
    attempt: count('Of sending; not part of what makes two records the same.', 1),
    sent_at: { type: 'string', format: 'date-time', description: 'RFC 3339.' },
    seed: { type: 'integer', minimum: -INTEGER_MAX, maximum: INTEGER_MAX },
    scales: {
      type: 'array',
      minItems: 2,
      maxItems: 64,
      items: count('May repeat and be unsorted: each occurrence is a point.', 1),
    },
    N_j: {
      type: 'object',
      description:
        'Exactly one key for each different scale: its decimal text. JSON Schema cannot say that; any other object is a 400.',
      minProperties: 1,
      maxProperties: 64,
      propertyNames: { pattern: '^[1-9][0-9]*$' },
      additionalProperties: count('Distinct cells at this scale.'),
    },
    coh_star: float('Signed, rounded to 9 decimals.'),
    v_star: { type: 'array', minItems: 3, maxItems: 3, items: { type: 'number' } },
    D_hat: float('Signed, rounded to 9 decimals.'),
    r: float('Signed, rounded to 9 decimals.'),
    regime: { $ref: '#/components/schemas/Regime' },
    budget: float('Signed, rounded to 9 decimals.'),
    merkle_root: { type: 'string', pattern: '^[0-9a-f]{1,128}$' },
    sig: {
      type: 'string',
      description:
        'HMAC-SHA256 or Ed25519 over the SHA-256 of the eight signed fields, in canonical standard base64 with padding.',
    },
    ft: { $ref: '#/components/schemas/FaultTolerance' },
  },
}

export const faultToleranceSchema = {
  type: 'object',
  description: 'What the agent tells about its own state.',
  required: faultToleranceFields,
  properties: {
    outbox_seq: count('Place in the agent’s outbox.'),
    degraded: { type: 'boolean' },
    fallbacks: { type: 'array', maxItems: 64, items: { type: 'string', maxLength: 256 } },
    clock_skew_ms: { type: 'integer', minimum: -INTEGER_MAX, maximum: INTEGER_MAX },
  },
}
