import {
  budgetOf,
  defaultParameters,
  fractalDimension,
  hmacKey,
  pcsId,
  regimeOf,
  round9,
  sign,
} from '@fractal-lba/pcs'
import { type Random, seededRandom } from '../random.js'
import { fieldTexts } from '../record-text.js'
import type { TestRecord } from '../records.js'
import { oneOf } from './bytes.js'

/** Known to everybody: what fuzzers sign with. */
export const FUZZ_KEY_TEXT = 'a key of the tests, known to everybody'
const KEY = hmacKey(FUZZ_KEY_TEXT)

const HEX = '0123456789abcdef'
const SHARDS = ['shard', 'é', '🚀', ' ', 'a"b', '\\', 'x|y', 'NaN', '\u2028', '\ufeff', '__proto__'] as const
const LARGEST = 2 ** 53 - 1

/** A valid record, signed, as it is and as texts. */
export interface MadeRecord {
  readonly record: TestRecord
  readonly text: string
  readonly fields: readonly (readonly [name: string, text: string])[]
}

/** Made once: to make and sign a record is dearer than to read it. */
const made: MadeRecord[] = []
const MADE = 1_024

/** One of a thousand that are the same in each process, or a new one now and then. */
export function randomRecord(random: Random): MadeRecord {
  if (random(8) === 0) return asTexts(newRecord(random))
  const place = random(MADE)
  made[place] ??= asTexts(newRecord(seededRandom(place)))
  return made[place]
}

function asTexts(record: TestRecord): MadeRecord {
  return { record, text: JSON.stringify(record), fields: Object.entries(fieldTexts(record)) }
}

/** Most of its values are unusual ones. One in two claims what the judge will recompute. */
function newRecord(random: Random): TestRecord {
  const scales = Array.from({ length: 2 + random(random(8) === 0 ? 63 : 5) }, () => 1 + random(64))
  const counts = Object.fromEntries(scales.map((scale) => [scale, random(8) === 0 ? 0 : 1 + random(200)]))
  const slope = fractalDimension(
    scales,
    scales.map((scale) => counts[scale] ?? 0),
  )
  const isHonest = random(2) === 0
  const cohStar = round9(random(1_000_000) / 999_999)
  const r = round9(random(1_000_000) / 999_999)
  const dHat = slope !== null && isHonest ? slope : round9(random(4_000_000) / 1e6 - 1)
  const record: TestRecord = {
    pcs_id: '',
    schema: 'fractal-lba-kakeya',
    version: random(8) === 0 ? `0.${1 + random(200)}` : '0.1',
    shard_id: `${oneOf(SHARDS, random)}-${random(2 ** 31)}`,
    epoch: random(16) === 0 ? LARGEST : random(2 ** 31),
    attempt: 1 + random(9),
    sent_at: '2026-01-01T00:00:00Z',
    seed: random(16) === 0 ? -LARGEST : random(2 ** 31) - 2 ** 30,
    scales,
    N_j: counts,
    coh_star: cohStar,
    v_star: [random(2_000) / 1_000 - 1, 0, -1],
    D_hat: dHat,
    r,
    regime: isHonest ? regimeOf(dHat, cohStar) : oneOf(['sticky', 'mixed', 'non_sticky'] as const, random),
    budget: isHonest ? budgetOf(dHat, cohStar, r, defaultParameters) : round9(random(1_000) / 1_000),
    merkle_root: Array.from({ length: random(4) === 0 ? 1 + random(128) : 64 }, () => HEX[random(16)]).join(
      '',
    ),
    sig: '',
    ft: { outbox_seq: random(1_000), degraded: random(2) === 0, fallbacks: [], clock_skew_ms: random(9) - 4 },
  }
  record.pcs_id = pcsId(record.merkle_root, record.epoch, record.shard_id)
  record.sig = sign(record, KEY)
  return record
}

/**
 * The signature that fits to whatever a changed record holds, so that the change is looked at beyond the signature;
 * undefined where there is nothing that could be signed.
 */
export function signatureOf(changed: unknown): string | undefined {
  if (typeof changed !== 'object' || changed === null) return undefined
  try {
    return sign(changed as TestRecord, KEY)
  } catch {
    // A signed field is no longer of its type: such a record is refused before its signature is looked at.
    return undefined
  }
}

/** The id that fits, where there is one. */
export function idOf(changed: Partial<TestRecord>): string | undefined {
  const { merkle_root: root, epoch, shard_id: shard } = changed
  if (typeof root !== 'string' || typeof shard !== 'string' || !Number.isSafeInteger(epoch)) return undefined
  return pcsId(root, Number(epoch), shard)
}
