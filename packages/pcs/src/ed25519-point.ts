/** The field of Curve25519 and the constant d of edwards25519 (RFC 8032, section 5.1). */
const p = 2n ** 255n - 19n
const d = 37095705934669439343138083508754565189542113879843219016388785533085940283555n

/** The ordinates of the eight points whose order divides 8. */
const lowOrderOrdinates: ReadonlySet<bigint> = new Set([
  0n,
  1n,
  p - 1n,
  0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n,
  0x7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7n,
])

/**
 * Why 32 bytes are no public key to trust, or undefined when they are one: a non-canonical encoding, no point of
 * the curve, or a point of low order (with which one signature fits many messages). OpenSSL takes all three.
 */
export function flawOfPublicKey(raw: Uint8Array): string | undefined {
  const encoded = BigInt(`0x${Buffer.from(raw).reverse().toString('hex')}`)
  const signOfX = encoded >> 255n
  const y = encoded & ((1n << 255n) - 1n)
  if (y >= p) return 'is not in canonical form'
  // x = 0 has no sign to give.
  if (signOfX === 1n && (y === 1n || y === p - 1n)) return 'is not in canonical form'
  if (lowOrderOrdinates.has(y)) return 'is a point of low order'
  const y2 = (y * y) % p
  const x2 = ((y2 - 1n + p) * power(d * y2 + 1n, p - 2n)) % p
  // Euler's criterion: x² must be a square.
  return power(x2, (p - 1n) / 2n) === 1n ? undefined : 'is not a point of the curve'
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n
  let square = base % p
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % p
    square = (square * square) % p
  }
  return result
}
