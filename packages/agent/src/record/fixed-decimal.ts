const POWER = 10n ** 9n
const MANTISSA = (1n << 52n) - 1n

/**
 * A finite double with exactly nine decimals, as Python's `format(x, '.9f')` writes it: rounded once, from
 * the exact binary value, a tie to the even digit; a negative zero keeps its sign.
 *
 * `Number.prototype.toFixed` is not that: it takes ties away from zero (2^-10 is one), and turns to
 * exponents from 1e21 on. The rows that go into the Merkle root must be the same bytes from every agent.
 */
export function fixed9(value: number): string {
  if (!Number.isFinite(value)) throw new RangeError('fixed9 takes finite numbers only')
  return isPlain(value) ? value.toFixed(9) : exactFixed9(value)
}

/** Where toFixed does the same, many times faster: below 1e21, no negative zero, no tie (an odd multiple of 2^-10). */
function isPlain(value: number): boolean {
  return Math.abs(value) < 1e21 && !Object.is(value, -0) && Math.abs((value * 1024) % 2) !== 1
}

/** Exported for tests. */
export function exactFixed9(value: number): string {
  const view = new DataView(new ArrayBuffer(8))
  view.setFloat64(0, value)
  const bits = view.getBigUint64(0)
  const biasedExponent = Number((bits >> 52n) & 0x7ffn)
  const mantissa = biasedExponent === 0 ? bits & MANTISSA : (bits & MANTISSA) | (1n << 52n)
  const exponent = Math.max(biasedExponent, 1) - 1075
  const scaled = mantissa * POWER
  const billionths = exponent >= 0 ? scaled << BigInt(exponent) : shiftRightToEven(scaled, BigInt(-exponent))
  const digits = billionths.toString().padStart(10, '0')
  const sign = bits >> 63n === 1n ? '-' : ''
  return `${sign}${digits.slice(0, -9)}.${digits.slice(-9)}`
}

function shiftRightToEven(value: bigint, places: bigint): bigint {
  const quotient = value >> places
  const remainder = value - (quotient << places)
  const half = 1n << (places - 1n)
  const up = remainder > half || (remainder === half && (quotient & 1n) === 1n)
  return up ? quotient + 1n : quotient
}
