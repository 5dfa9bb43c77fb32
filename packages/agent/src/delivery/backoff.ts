/** How long to wait before another attempt. */
export interface BackoffPolicy {
  /** The longest wait after the first failure; it doubles with each further one. */
  readonly baseMs: number
  /** The longest wait, beyond one that the other side asks for. */
  readonly capMs: number
}

/** For an agent at some network distance. */
export const BACKOFF_DEFAULT: BackoffPolicy = { baseMs: 500, capMs: 60_000 }

/** The longest `Retry-After` that is followed: no answer may stop an agent for good. */
export const RETRY_AFTER_MS_MAX = 3_600_000

/** A fleet that was told the same wait returns over this share of it, beyond it. */
const SPREAD_OF_ASKED = 0.2

/**
 * How long to wait before another attempt: what the other side asks for, and on top of it a back-off that is
 * exponential with full jitter, so that a fleet that failed together does not come back together. No wait that is
 * asked for, nought among them, switches the back-off off.
 *
 * @param failures how many attempts have failed in a row, from 1
 * @param askedMs by `Retry-After`; 0 without one
 * @param random in [0, 1)
 */
export function waitMs(
  { baseMs, capMs }: BackoffPolicy,
  failures: number,
  askedMs: number,
  random: number,
): number {
  // The exponent is bounded so that the power stays finite; the cap applies long before.
  const backoffMs = Math.min(capMs, baseMs * 2 ** Math.min(failures - 1, 40))
  return askedMs + random * Math.max(backoffMs, SPREAD_OF_ASKED * askedMs)
}

/**
 * What `Retry-After` asks for: whole seconds or an HTTP date, never more than an hour. A date is compared with
 * the answer's own `Date`, where it has one, because the clocks of two machines differ.
 *
 * @returns undefined when the header is missing or cannot be read
 */
export function retryAfterMs(
  { retryAfter, date }: { readonly retryAfter: string | undefined; readonly date: string | undefined },
  nowMs: number,
): number | undefined {
  const text = retryAfter?.trim() ?? ''
  if (/^\d+$/.test(text)) return Math.min(Number(text) * 1000, RETRY_AFTER_MS_MAX)
  const untilMs = httpDateMs(text)
  if (untilMs === undefined) return undefined
  return Math.min(Math.max(0, untilMs - (httpDateMs(date ?? '') ?? nowMs)), RETRY_AFTER_MS_MAX)
}

/** The three forms of RFC 9110, section 5.6.7, all of them in GMT; nothing else that `Date` may understand. */
function httpDateMs(text: string): number | undefined {
  const fixdate = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/
  const rfc850 = /^[A-Z][a-z]+day, \d{2}-[A-Z][a-z]{2}-\d{2} \d{2}:\d{2}:\d{2} GMT$/
  const asctime = /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2} \d{4}$/
  if (!fixdate.test(text) && !rfc850.test(text) && !asctime.test(text)) return undefined
  const ms = Date.parse(asctime.test(text) ? `${text} GMT` : text)
  return Number.isNaN(ms) ? undefined : ms
}
