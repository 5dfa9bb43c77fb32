/** The regimes of docs/contract.md, section 3. */
export type Regime = 'sticky' | 'mixed' | 'non_sticky'

/** What an agent tells about its own state. */
export interface FaultTolerance {
  readonly outbox_seq: number
  readonly degraded: boolean
  readonly fallbacks: readonly string[]
  readonly clock_skew_ms: number
}

/**
 * A valid Proof-of-Computation Summary with the wire's field names (docs/contract.md, section 1). Integers are
 * safe integers. The four floats are as they came, not yet rounded as signed.
 */
export interface Pcs {
  readonly pcs_id: string
  readonly schema: string
  readonly version: string
  readonly shard_id: string
  readonly epoch: number
  readonly attempt: number
  readonly sent_at: string
  readonly seed: number
  /** 2 to 64; each occurrence is a point, in the order given. */
  readonly scales: readonly number[]
  /** One count for each different scale, under its decimal text. */
  readonly N_j: ReadonlyMap<string, number>
  readonly coh_star: number
  readonly v_star: readonly [number, number, number]
  readonly D_hat: number
  readonly r: number
  readonly budget: number
  readonly regime: Regime
  readonly merkle_root: string
  /** Undefined when it is missing or no string; its text is not looked at before the signature is verified. */
  readonly sig: string | undefined
  readonly ft: FaultTolerance
}

const FIELDS: Readonly<Record<keyof Pcs, true>> = {
  pcs_id: true,
  schema: true,
  version: true,
  shard_id: true,
  epoch: true,
  attempt: true,
  sent_at: true,
  seed: true,
  scales: true,
  N_j: true,
  coh_star: true,
  v_star: true,
  D_hat: true,
  r: true,
  regime: true,
  budget: true,
  merkle_root: true,
  sig: true,
  ft: true,
}
const FT_FIELDS: Readonly<Record<keyof FaultTolerance, true>> = {
  outbox_seq: true,
  degraded: true,
  fallbacks: true,
  clock_skew_ms: true,
}

/** The names of all fields of a record (docs/contract.md, section 1); every one is required. */
export const recordFields: readonly string[] = Object.keys(FIELDS)
/** Those of its `ft`. */
export const faultToleranceFields: readonly string[] = Object.keys(FT_FIELDS)

/** The eight fields that a signature covers (docs/contract.md, section 2). */
export type SignedFields = Pick<
  Pcs,
  'pcs_id' | 'merkle_root' | 'epoch' | 'shard_id' | 'D_hat' | 'coh_star' | 'r' | 'budget'
>

/** The fifteen fields that make two records with one id the same record. */
export type FingerprintFields = SignedFields &
  Pick<Pcs, 'schema' | 'version' | 'seed' | 'scales' | 'N_j' | 'v_star' | 'regime'>

/** The count of each scale, in the order of `scales` (a repeated scale repeats its count). */
export function countsOfScales(pcs: Pick<Pcs, 'scales' | 'N_j'>): number[] {
  return pcs.scales.map((scale) => pcs.N_j.get(String(scale)) ?? 0)
}
