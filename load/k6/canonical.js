// The text that is signed, as docs/contract.md §2 has it, in what k6 can run: Node's modules are not to be had there, and
// `k6 run` needs no build. vectors.js holds it against the vectors.
import crypto from 'k6/crypto'

const FROM_HERE_AT_MOST_NINE_DECIMALS = 1e7

/**
 * Rounds to 9 decimals, half away from zero, on the shortest decimal text of the number.
 * @param {number} x
 */
export function round9(x) {
  const size = Math.abs(x)
  if (size >= FROM_HERE_AT_MOST_NINE_DECIMALS) return x
  // Without an argument toExponential gives the shortest digits: d.ddde±x.
  const [mantissa = '', exponent = ''] = size.toExponential().split('e')
  const digits = mantissa.replace('.', '')
  const surplus = digits.length - 1 - Number(exponent) - 9
  if (surplus <= 0) return x
  const kept = digits.slice(0, Math.max(0, digits.length - surplus))
  const roundsUp = surplus <= digits.length && (digits[digits.length - surplus] ?? '0') >= '5'
  const rounded = Number(`${BigInt(kept || '0') + (roundsUp ? 1n : 0n)}e-9`)
  return x < 0 ? -rounded : rounded
}

/**
 * A double as CPython's `repr` writes it.
 * @param {number} x
 */
function pythonFloat(x) {
  const size = Math.abs(x)
  if (x === 0) return Object.is(x, -0) ? '-0.0' : '0.0'
  if (size >= 1e-4 && size < 1e16) return Number.isInteger(x) ? `${x}.0` : `${x}`
  const [mantissa, exponent = ''] = x.toExponential().split('e')
  const digits = exponent.slice(1)
  return `${mantissa}e${exponent[0]}${digits.length < 2 ? `0${digits}` : digits}`
}

/** @type {Readonly<Record<string, string>>} */
const SHORT_ESCAPES = {
  '"': '\\"',
  '\\': '\\\\',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
}

/**
 * A string as CPython's `json.dumps` writes it: ASCII alone.
 * @param {string} text
 */
function pythonString(text) {
  const escaped = text.replace(
    /[^\x20\x21\x23-\x5b\x5d-\x7e]/g,
    (unit) => SHORT_ESCAPES[unit] ?? `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  return `"${escaped}"`
}

/**
 * @typedef {object} SignedFields
 * @property {string} pcs_id
 * @property {string} merkle_root
 * @property {number} epoch
 * @property {string} shard_id
 * @property {number} D_hat
 * @property {number} coh_star
 * @property {number} r
 * @property {number} budget
 */

/** @param {SignedFields} fields */
export function signingText({ D_hat, budget, coh_star, epoch, merkle_root, pcs_id, r, shard_id }) {
  const float = (/** @type {number} */ x) => pythonFloat(round9(x))
  return (
    `{"D_hat":${float(D_hat)},"budget":${float(budget)},"coh_star":${float(coh_star)},"epoch":${epoch},` +
    `"merkle_root":${pythonString(merkle_root)},"pcs_id":${pythonString(pcs_id)},"r":${float(r)},` +
    `"shard_id":${pythonString(shard_id)}}`
  )
}

/**
 * The record's `sig` under HMAC.
 * @param {SignedFields} fields
 * @param {string} key its UTF-8 bytes are the key
 */
export function sign(fields, key) {
  return crypto.hmac('sha256', key, crypto.sha256(signingText(fields), 'binary'), 'base64')
}

/**
 * The id that a record must bear (docs/contract.md §1).
 * @param {string} merkleRoot
 * @param {number} epoch
 * @param {string} shardId
 */
export function pcsId(merkleRoot, epoch, shardId) {
  return crypto.sha256(`${merkleRoot}|${epoch}|${shardId}`, 'hex')
}
