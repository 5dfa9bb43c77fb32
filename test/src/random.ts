/** A small generator (mulberry32): what a random test finds can be found again from its seed. */
export function seededRandom(seed: number): Random {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below)
  }
}

type Random = (below: number) => number

const HOSTILE = [
  '{',
  '[',
  '"',
  ',',
  '\\ud800',
  '1e999',
  '\0',
  '\ufeff',
  '\u2028',
  '"__proto__":{"x":1},',
  '"epoch":1,',
  '[['.repeat(20),
]
const VALUES = [
  '0',
  '-0',
  '1',
  '2',
  '-1',
  '0.5',
  '1e5',
  '1e-400',
  '9007199254740991',
  '9007199254740992',
  '""',
  '"x"',
  '"0.2"',
]
const WORDS = ['null', 'true', 'false', '[]', '{}', '[1,2,3]', '"mixed"', '"2024-02-29T12:00:00Z"']

/**
 * The bytes with one to four random changes: to bits, bytes and pieces, which few parsers survive, or to whole
 * values, which reach what comes after the parser.
 */
export function mutated(original: Buffer, random: Random): Buffer {
  const change = random(2) === 0 ? withOtherBytes : withOtherValue
  let bytes = original
  for (let changes = 1 + random(4); changes > 0; changes--) bytes = change(bytes, random)
  return bytes
}

function withOtherBytes(bytes: Buffer, random: Random): Buffer {
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
      return Buffer.concat([head, Buffer.from(HOSTILE[random(HOSTILE.length)] ?? ''), middle, tail])
  }
}

function withOtherValue(bytes: Buffer, random: Random): Buffer {
  const text = bytes.toString()
  const values = [...text.matchAll(/(?<=[:[,])(?:-?\d[\d.e+-]*|"[^"]*"|true|false|null)(?=[,\]}])/g)]
  const chosen = values[random(values.length)]
  if (!chosen) return bytes
  const choice = random(2) === 0 ? VALUES : WORDS
  const value = choice[random(choice.length)] ?? ''
  return Buffer.from(text.slice(0, chosen.index) + value + text.slice(chosen.index + chosen[0].length))
}
