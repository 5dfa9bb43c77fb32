// No module of Node here: this file runs in browsers too (@fractal-lba/pcs/canonical).
import type { FingerprintFields, SignedFields } from './record.js'

/** From here on a double's shortest text has at most 9 decimals: 8 digits of its at most 17 stand before the point. */
const noMoreThanNineDecimalsFrom = 1e7

/** Below this, x·1e9 is off by less than 0.003, so that only a fraction close to one half needs the text. */
const productReliableBelow = 1e4
const tieMargin = 0.01

/**
 * Rounds to 9 decimals, half away from zero, on the shortest decimal text of the number (docs/contract.md,
 * section 2): 0.1234567885 becomes 0.123456789 although its double lies below the tie. The sign of zero stays.
 */
export function round9(x: number): number {
  const size = Math.abs(x)
  if (size < productReliableBelow) {
    const product = size * 1e9
    const whole = Math.floor(product)
    const fraction = product - whole
    if (Math.abs(fraction - 0.5) > tieMargin) {
      // Both are exact in a double, so the quotient is the double nearest to the decimal number.
      const rounded = (fraction > 0.5 ? whole + 1 : whole) / 1e9
      return x < 0 || Object.is(x, -0) ? -rounded : rounded
    }
  }
  return size < noMoreThanNineDecimalsFrom ? round9OnText(x) : x
}

function round9OnText(x: number): number {
  // Without an argument toExponential gives the shortest digits: d.ddde±x.
  const [mantissa = '', exponent = ''] = Math.abs(x).toExponential().split('e')
  const digits = mantissa.replace('.', '')
  const surplus = digits.length - 1 - Number(exponent) - 9
  if (surplus <= 0) return x
  // A number next to a tie begins at the tenth decimal at the latest, so at most all its digits are dropped.
  const kept = digits.slice(0, digits.length - surplus)
  const roundUp = (digits.at(-surplus) ?? '0') >= '5'
  const rounded = Number(`${BigInt(kept) + (roundUp ? 1n : 0n)}e-9`)
  return x < 0 ? -rounded : rounded
}

/** A double as CPython's `repr` writes it: shortest digits, always with a point or an exponent. */
export function pythonFloat(x: number): string {
  const size = Math.abs(x)
  if (size >= 1e-4 && size < 1e16) return Number.isInteger(x) ? `${x}.0` : `${x}`
  if (x === 0) return Object.is(x, -0) ? '-0.0' : '0.0'
  const text = x.toExponential()
  const sign = text.at(-2)
  // An exponent of one digit gets its second.
  return sign === '+' || sign === '-' ? `${text.slice(0, -1)}0${text.slice(-1)}` : text
}

const needsNoEscape = /^[ !#-[\]-~]*$/

/** A string as CPython's `json.dumps` writes it: ASCII only, DEL and all beyond 0x7e as \uXXXX. */
export function pythonString(s: string): string {
  if (needsNoEscape.test(s)) return `"${s}"`
  // Units, not code points: a character beyond the BMP is written as its surrogate pair.
  return `"${s.replace(/[^ !#-[\]-~]/g, escapeUnit)}"`
}

const shortEscapes = new Map([
  ['"', '\\"'],
  ['\\', '\\\\'],
  ['\b', '\\b'],
  ['\f', '\\f'],
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
])

function escapeUnit(unit: string): string {
  return shortEscapes.get(unit) ?? `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
}

function signedFloat(x: number): string {
  return pythonFloat(round9(x))
}

/** The eight signed fields as both texts write them; who needs both texts makes this once. */
export type CanonicalFields = Readonly<Record<keyof SignedFields, string>>

/** Writes each signed field as CPython's `json.dumps` does, floats rounded to 9 decimals. Validates nothing. */
export function canonicalFields(fields: SignedFields): CanonicalFields {
  return {
    D_hat: signedFloat(fields.D_hat),
    budget: signedFloat(fields.budget),
    coh_star: signedFloat(fields.coh_star),
    epoch: `${fields.epoch}`,
    merkle_root: pythonString(fields.merkle_root),
    pcs_id: pythonString(fields.pcs_id),
    r: signedFloat(fields.r),
    shard_id: pythonString(fields.shard_id),
  }
}

/**
 * The text whose SHA-256 is signed: the eight fields as CPython's
 * `json.dumps(…, sort_keys=True, separators=(",", ":"))` writes them, floats rounded (docs/contract.md, section 2).
 * Validates nothing. ASCII.
 */
export function signingText(fields: SignedFields, texts: CanonicalFields = canonicalFields(fields)): string {
  return (
    `{"D_hat":${texts.D_hat},"budget":${texts.budget},"coh_star":${texts.coh_star},"epoch":${texts.epoch},` +
    `"merkle_root":${texts.merkle_root},"pcs_id":${texts.pcs_id},"r":${texts.r},"shard_id":${texts.shard_id}}`
  )
}

/**
 * The text whose SHA-256 tells whether two records with one id are the same: fifteen fields, made as the signing
 * text is; `scales` as given, `N_j` by its keys as strings, `v_star` not rounded. Validates nothing. ASCII.
 */
export function fingerprintText(
  pcs: FingerprintFields,
  texts: CanonicalFields = canonicalFields(pcs),
): string {
  let counts = ''
  for (const key of [...pcs.N_j.keys()].sort()) {
    counts += `${counts === '' ? '' : ','}${pythonString(key)}:${pcs.N_j.get(key)}`
  }
  const [x, y, z] = pcs.v_star
  return (
    `{"D_hat":${texts.D_hat},"N_j":{${counts}},"budget":${texts.budget},` +
    `"coh_star":${texts.coh_star},"epoch":${texts.epoch},` +
    `"merkle_root":${texts.merkle_root},"pcs_id":${texts.pcs_id},` +
    `"r":${texts.r},"regime":${pythonString(pcs.regime)},"scales":[${pcs.scales.join(',')}],` +
    `"schema":${pythonString(pcs.schema)},"seed":${pcs.seed},"shard_id":${texts.shard_id},` +
    `"v_star":[${pythonFloat(x)},${pythonFloat(y)},${pythonFloat(z)}],"version":${pythonString(pcs.version)}}`
  )
}

type Floats = Pick<FingerprintFields, 'D_hat' | 'coh_star' | 'r' | 'budget' | 'v_star'>

/** −0 becomes 0 in every float, because the two sign differently and agents send 0 (docs/contract.md, section 2). */
export function withoutNegativeZeros<Record extends Floats>(record: Record): Record {
  const [x, y, z] = record.v_star
  return {
    ...record,
    D_hat: record.D_hat + 0,
    coh_star: record.coh_star + 0,
    r: record.r + 0,
    budget: record.budget + 0,
    v_star: [x + 0, y + 0, z + 0],
  }
}
