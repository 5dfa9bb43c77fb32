/** Signed with the HMAC key of the public test vectors, "testsecret". */
export const recordExample = {
  pcs_id: 'c248cdf62583c11af721b35007fceb6010132732033c935a650402534a5eaf41',
  schema: 'fractal-lba-kakeya',
  version: '0.1',
  shard_id: 'shard-a',
  epoch: 1,
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
  merkle_root: 'dfe09678f6d3bff6f028eee827402ef79f1fc487b1e0d45f2b297f044d32a908',
  sig: 'UQ2fXLyelg81y8aeGBZVWNbkY3Um/aO2iD9NAWUc7EE=',
  ft: { outbox_seq: 1, degraded: false, fallbacks: [], clock_skew_ms: 0 },
}

/** What the record above gets, on the default parameters. */
export const acceptedExample = {
  pcs_id: recordExample.pcs_id,
  accepted: true,
  escalated: false,
  recomputed_D_hat: 0.866733469,
  recomputed_budget: 0.396,
  regime: 'sticky',
  params: 'a8895c936d4d',
}

/** What a record gets whose D_hat is too far from its counts. */
export const escalatedExample = {
  pcs_id: '914d8278fd6a7516b312640c67c8b176f198a094a5b75216c150caa9002ffceb',
  accepted: false,
  escalated: true,
  reason: 'd_hat_out_of_tolerance',
  message: 'D_hat 1.016833469 is 0.1501 from the recomputed 0.866733469; the tolerance is 0.15',
  recomputed_D_hat: 0.866733469,
  recomputed_budget: null,
  regime: null,
  params: 'a8895c936d4d',
}

const lines = (...values: readonly object[]): string =>
  values.map((value) => `${JSON.stringify(value)}\n`).join('')

export const batchExample = lines(recordExample, { ...recordExample, epoch: 1.5 })

export const batchAnswerExample = lines(
  { line: 1, status: 200, replayed: false, outcome: acceptedExample },
  {
    line: 2,
    status: 400,
    problem: {
      type: '/problems/malformed',
      title: 'The record is malformed or invalid',
      status: 400,
      detail: '…',
      instance: '3f9a5c0d21b7-1k',
    },
  },
)
