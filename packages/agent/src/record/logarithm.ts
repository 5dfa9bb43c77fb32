/** A number as the unevaluated sum of two doubles: about 106 bits of precision. */
type DoubleDouble = readonly [high: number, low: number]

const LN2: DoubleDouble = [Math.LN2, 2.3190468138462996e-17]
const SPLITTER = 2 ** 27 + 1
/** With |s| ≤ 0.1716 the first term left out, s^43/43, is below 2^-114 of the sum. */
const LAST_TERM = 41

/**
 * The natural logarithm of 0 < q < 1, rounded correctly (unless the true value is within about 2^-100 of a tie).
 *
 * `Math.log` is off by one in the last place for some 5 % of arguments, and may differ between engines.
 * That reaches v★, which the fingerprint holds unrounded, so an agent in Python and this one would make two
 * different records of one CSV. The C library that the deployed agents use rounds correctly in all but
 * about one of a thousand cases.
 */
export function naturalLogarithm(q: number): number {
  let exponent = 0
  let mantissa = q
  while (mantissa < Math.SQRT1_2) {
    mantissa *= 2
    exponent -= 1
  }
  // ln m = 2·artanh(s) = 2·(s + s³/3 + s⁵/5 + …), s = (m − 1)/(m + 1)
  const s = divide(twoSum(mantissa, -1), twoSum(mantissa, 1))
  const square = multiply(s, s)
  let series: DoubleDouble = [0, 0]
  for (let k = LAST_TERM; k >= 1; k -= 2) series = add(multiply(series, square), divide([1, 0], [k, 0]))
  const artanh = multiply(series, s)
  const [high, low] = add([2 * artanh[0], 2 * artanh[1]], multiply(LN2, [exponent, 0]))
  return high + low
}

function twoSum(a: number, b: number): DoubleDouble {
  const sum = a + b
  const t = sum - a
  return [sum, a - (sum - t) + (b - t)]
}

function twoProduct(a: number, b: number): DoubleDouble {
  const [aHigh, aLow] = split(a)
  const [bHigh, bLow] = split(b)
  const product = a * b
  return [product, aHigh * bHigh - product + aHigh * bLow + aLow * bHigh + aLow * bLow]
}

function split(a: number): DoubleDouble {
  const c = SPLITTER * a
  const high = c - (c - a)
  return [high, a - high]
}

function normalized(high: number, low: number): DoubleDouble {
  const sum = high + low
  return [sum, low - (sum - high)]
}

function add(a: DoubleDouble, b: DoubleDouble): DoubleDouble {
  const [sum, error] = twoSum(a[0], b[0])
  return normalized(sum, error + a[1] + b[1])
}

function multiply(a: DoubleDouble, b: DoubleDouble): DoubleDouble {
  const [product, error] = twoProduct(a[0], b[0])
  return normalized(product, error + a[0] * b[1] + a[1] * b[0])
}

function divide(a: DoubleDouble, b: DoubleDouble): DoubleDouble {
  const first = a[0] / b[0]
  const rest = subtractProduct(a, b, first)
  const second = rest[0] / b[0]
  const last = subtractProduct(rest, b, second)[0] / b[0]
  return add(normalized(first, second), [last, 0])
}

function subtractProduct(a: DoubleDouble, b: DoubleDouble, factor: number): DoubleDouble {
  const product = multiply(b, [factor, 0])
  return add(a, [-product[0], -product[1]])
}
