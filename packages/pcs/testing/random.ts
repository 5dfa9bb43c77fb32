/** A small generator (mulberry32), so that what a random test finds can be found again. */
export function seededRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Any finite double, each bit pattern as likely as the other. */
export function randomDouble(random: () => number): number {
  const bits = new DataView(new ArrayBuffer(8))
  for (;;) {
    bits.setUint32(0, random() * 2 ** 32)
    bits.setUint32(4, random() * 2 ** 32)
    const double = bits.getFloat64(0)
    if (Number.isFinite(double)) return double
  }
}
