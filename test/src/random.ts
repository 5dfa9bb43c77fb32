/** A small generator (mulberry32): what a random test finds can be found again from its seed. */
export function seededRandom(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below)
  }
}

const SNIPPETS = [
  '"',
  '\\',
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  'null',
  '1e999',
  '-',
  '0',
  '.',
  '\\u0000',
  '\\ud800',
  '\n',
  '\0',
]
const TEXTS = [
  ...SNIPPETS,
  '\ufeff',
  '"__proto__":{"x":1},',
  '"epoch":1,',
  '\u2028',
  '1'.repeat(40),
  '[['.repeat(20),
]

/** The bytes with one to four random changes: bits, bytes, pieces cut out, doubled, moved, and hostile snippets. */
export function mutated(original: Buffer, random: (below: number) => number): Buffer {
  let bytes = original
  for (let changes = 1 + random(4); changes > 0; changes--) bytes = mutatedOnce(bytes, random)
  return bytes
}

function mutatedOnce(bytes: Buffer, random: (below: number) => number): Buffer {
  const at = random(bytes.length + 1)
  const to = Math.min(bytes.length, at + 1 + random(20))
  const [head, middle, tail] = [bytes.subarray(0, at), bytes.subarray(at, to), bytes.subarray(to)]
  switch (random(6)) {
    case 0:
      return Buffer.concat([head, middle.map((byte) => byte ^ (1 << random(8))), tail])
    case 1:
      return Buffer.concat([head, Buffer.from([random(256)]), middle, tail])
    case 2:
      return Buffer.concat([head, tail])
    case 3:
      return Buffer.concat([head, middle, middle, tail])
    case 4:
      return Buffer.concat([middle, head, tail])
    default:
      return Buffer.concat([head, Buffer.from(TEXTS[random(TEXTS.length)] ?? ''), middle, tail])
  }
}
