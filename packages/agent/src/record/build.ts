import {
  budgetOf,
  defaultParameters,
  fractalDimension,
  type Parameters,
  type Pcs,
  parseRecord,
  pcsId,
  pcsSchema,
  pcsVersion,
  regimeOf,
} from '@fractal-lba/pcs'
import { countCells } from './cells.js'
import { coherence } from './coherence.js'
import { compressibility } from './compressibility.js'
import { readEvents } from './csv.js'
import { CHUNK_BYTES_DEFAULT, merkleRoot } from './merkle.js'
import { recordText } from './record-text.js'
import { rowsOf } from './rows.js'

export const SCALES_DEFAULT: readonly number[] = [2, 4, 8, 16]

export interface BuildInput {
  /** Events with the header `timestamp,x,y,z`: text, or its UTF-8 bytes. */
  readonly csv: string | Uint8Array
  /** How errors name the CSV. */
  readonly file?: string
  readonly shardId: string
  readonly epoch: number
  readonly seed: number
  /** 2, 4, 8, 16 by default; each occurrence is a point of D̂. */
  readonly scales?: readonly number[]
  /** How many bytes of the rows make a leaf of the Merkle tree; 64 by default. */
  readonly chunkBytes?: number
  /** 1 by default. */
  readonly attempt?: number
  /** RFC 3339; now by default. */
  readonly sentAt?: string
  /** The number in the agent's outbox; 0 where there is none. */
  readonly outboxSeq?: number
  /** What the budget is computed with; must be the server's for the budget to be accepted. */
  readonly params?: Parameters
}

/** Events from which no record can be made that could be accepted. The message is a sentence for people. */
export class UnbuildableRecord extends Error {
  override readonly name = 'UnbuildableRecord'
}

/**
 * Makes the record of an event stream, unsigned. The same input, `sentAt` given, makes the same record; only
 * `r`, and with it the budget, may differ between builds of zlib.
 *
 * @throws MalformedCsv with file and line
 * @throws UnbuildableRecord when the scales give no D̂
 * @throws MalformedRecord when shard, epoch, seed, scales or the like break the contract's section 1
 */
export function buildRecord(input: BuildInput): Pcs {
  const events = readEvents(input.csv, input.file)
  const rows = rowsOf(events)
  const scales = [...(input.scales ?? SCALES_DEFAULT)]
  const cells = countCells(events.points, scales)
  const D_hat = fractalDimension(
    scales,
    scales.map((scale) => cells.get(scale) ?? 0),
  )
  if (D_hat === null) {
    throw new UnbuildableRecord('no D̂ can be computed from these scales: give at least two different ones')
  }
  const { cohStar: coh_star, vStar: v_star } = coherence(events.points, input.seed)
  const r = compressibility(rows)
  const merkle_root = merkleRoot(rows, input.chunkBytes ?? CHUNK_BYTES_DEFAULT)
  const record: Pcs = {
    pcs_id: pcsId(merkle_root, input.epoch, input.shardId),
    schema: pcsSchema,
    version: pcsVersion,
    shard_id: input.shardId,
    epoch: input.epoch,
    attempt: input.attempt ?? 1,
    sent_at: input.sentAt ?? new Date().toISOString(),
    seed: input.seed,
    scales,
    N_j: new Map([...cells].map(([scale, count]) => [String(scale), count])),
    coh_star,
    v_star,
    D_hat,
    r,
    budget: budgetOf(D_hat, coh_star, r, input.params ?? defaultParameters),
    regime: regimeOf(D_hat, coh_star),
    merkle_root,
    sig: undefined,
    ft: { outbox_seq: input.outboxSeq ?? 0, degraded: false, fallbacks: [], clock_skew_ms: 0 },
  }
  // The services' own reader has the last word on what an agent may send.
  parseRecord(new TextEncoder().encode(recordText(record)))
  return record
}
