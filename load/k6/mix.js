// What is sent: of each hundred submissions 90 new records, 6 duplicates, 2 with a bad signature and 2 malformed ones.
import { key } from './environment.js'
import { freshRecord } from './record.js'

/** In hundredths; what is left are new records. */
const SHARES = { duplicate: 6, bad_signature: 2, malformed: 2 }
export const kinds = ['new', 'duplicate', 'bad_signature', 'malformed']
/** Of what this user had accepted before: a duplicate is a copy of one of them. */
const REMEMBERED = 16

/** @type {string[]} */
const accepted = []

/**
 * @param {string} run
 * @param {number} number of the submission within the run, over all users
 * @returns {{ kind: string, body: string }}
 */
export function submission(run, number) {
  // 61 has no divisor in common with 100: each hundred has each share exactly, spread over it.
  let lot = (number * 61) % 100
  const falls = (/** @type {number} */ share) => {
    lot -= share
    return lot < 0
  }
  const isDuplicate = falls(SHARES.duplicate)
  const earlier = accepted[number % accepted.length]
  if (isDuplicate && earlier !== undefined) return { kind: 'duplicate', body: earlier }
  if (!isDuplicate && falls(SHARES.bad_signature)) {
    const record = freshRecord(run, number, key)
    return { kind: 'bad_signature', body: JSON.stringify({ ...record, sig: foreign(record.sig) }) }
  }
  const body = JSON.stringify(freshRecord(run, number, key))
  return !isDuplicate && falls(SHARES.malformed)
    ? { kind: 'malformed', body: spoilt(body, number) }
    : { kind: 'new', body }
}

/**
 * A new record was accepted: it may be sent again.
 * @param {string} body
 */
export function remember(body) {
  if (accepted.length >= REMEMBERED) accepted.shift()
  accepted.push(body)
}

/**
 * Well-formed, of the right length, and of no key.
 * @param {string} sig
 */
function foreign(sig) {
  return `${sig[0] === 'A' ? 'B' : 'A'}${sig.slice(1)}`
}

/**
 * Cut short, or with a field missing, or with a number that is none.
 * @param {string} body
 * @param {number} number
 */
function spoilt(body, number) {
  if (number % 3 === 0) return body.slice(0, -20)
  if (number % 3 === 1) return body.replace(/"D_hat":[^,]+,/, '')
  return body.replace(/"epoch":[^,]+,/, '"epoch":1e400,')
}
