import type { Random } from '../random.js'
import { changedBytes, type Material, oneOf } from './bytes.js'

/** A field on the wire: its tag as it stands there, and what follows of it. */
interface Field {
  readonly tag: Buffer
  /** Undefined: it has no length of its own. */
  readonly length: Buffer | undefined
  readonly content: Buffer
}

const VARINT = 0
const FIXED64 = 1
const DELIMITED = 2
const FIXED32 = 5
const NESTING_MAX = 4

/** 0, 1, the edges of 32, 53 and 64 bits, eleven bytes, one that never ends. */
const VARINTS = [
  ...[
    '00',
    '01',
    '7f',
    'ffffffff07',
    'ffffffff0f',
    'ffffffffffffff0f',
    '8080808080808010',
    '8180808080808010',
  ],
  ...['ffffffffffffffff7f', 'ffffffffffffffffff01', 'ffffffffffffffffffff01', 'ffffff', '808000'],
].map((hex) => Buffer.from(hex, 'hex'))
const DOUBLES = [Number.NaN, Number.POSITIVE_INFINITY, -0, 5e-324, 1e308, -1, 0.5].map((value) => {
  const bytes = Buffer.alloc(8)
  bytes.writeDoubleLE(value)
  return bytes
})
const TEXTS = ['', 'x', '\u0000', '🚀', '__proto__', '0.2', 'mixed', 'PLANTED'].map((text) =>
  Buffer.from(text),
)
const NO_UTF8 = ['c328', 'eda080', 'ff', 'f4908080', 'c0af'].map((hex) => Buffer.from(hex, 'hex'))
export const PROTOBUF_TOKENS: readonly Buffer[] = [...VARINTS, ...DOUBLES, ...TEXTS, ...NO_UTF8]

/** A message with some of its fields changed, at any depth; sometimes with changes that break its structure. */
export function changedMessage(message: Buffer, random: Random, material: Material): Buffer {
  if (random(6) === 0) return changedBytes(message, random, material)
  let bytes = message
  for (let changes = 1 + random(3); changes > 0; changes -= 1) bytes = oneChange(bytes, random, 0)
  return bytes
}

function oneChange(message: Buffer, random: Random, depth: number): Buffer {
  const fields = fieldsOf(message)
  const at = random(fields.length)
  const field = fields[at]
  if (!field) return Buffer.concat([message, unknownField(random)])
  if (field.length && field.content.length > 1 && depth < NESTING_MAX && random(2) === 0) {
    return joined(fields.with(at, withContent(field, oneChange(field.content, random, depth + 1))))
  }
  switch (random(9)) {
    case 0:
      return joined(fields.toSpliced(at, 1))
    case 1:
      return joined(fields.toSpliced(at, 0, field))
    case 2:
      return joined([...fields.toSpliced(at, 1), field])
    case 3:
      return joined(
        fields.with(at, { ...field, tag: varint(random(4) === 0 ? random(2 ** 29) : random(200)) }),
      )
    case 4:
      return joined(fields.with(at, { ...field, length: field.length && oneOf(asPair(VARINTS), random) }))
    case 5:
      return Buffer.concat([message, unknownField(random)])
    case 6:
      // Groups are read by no schema here, and skipped by descending into each.
      return Buffer.concat([
        joined(fields.slice(0, at)),
        Buffer.alloc(1 + random(200), 0x7b),
        joined(fields.slice(at)),
      ])
    default:
      return joined(fields.with(at, withContent(field, content(field, random))))
  }
}

function content({ tag, length, content: before }: Field, random: Random): Buffer {
  if (length) {
    const choice = random(3) === 0 ? NO_UTF8 : TEXTS
    return random(4) === 0 ? Buffer.alloc(random(400), random(256)) : oneOf(asPair(choice), random)
  }
  return (tag[0] ?? 0) % 8 === FIXED64 || before.length === 8
    ? oneOf(asPair(DOUBLES), random)
    : oneOf(asPair(VARINTS), random)
}

function unknownField(random: Random): Buffer {
  switch (random(4)) {
    case 0:
      return Buffer.concat([varint((random(2 ** 28) << 3) | VARINT), oneOf(asPair(VARINTS), random)])
    case 1:
      return delimited(random(40), Buffer.alloc(random(100), random(256)))
    case 2:
      return Buffer.from([random(256)])
    default:
      return Buffer.concat([varint((random(40) << 3) | FIXED32), Buffer.alloc(random(6))])
  }
}

/** A field of bytes. */
export function delimited(number: number, bytes: Buffer): Buffer {
  return Buffer.concat([varint((number << 3) | DELIMITED), varint(bytes.length), bytes])
}

function withContent(field: Field, bytes: Buffer): Field {
  return { ...field, content: bytes, length: field.length && varint(bytes.length) }
}

function joined(fields: readonly Field[]): Buffer {
  return Buffer.concat(
    fields.flatMap(({ tag, length, content: bytes }) => [tag, ...(length ? [length] : []), bytes]),
  )
}

/** As far as the bytes are fields; what follows is one without a length. */
function fieldsOf(bytes: Buffer): Field[] {
  const fields: Field[] = []
  for (let at = 0; at < bytes.length; ) {
    const tagEnd = afterVarint(bytes, at)
    const tag = bytes.subarray(at, tagEnd)
    const type = (tag[0] ?? 0) & 7
    if (type === DELIMITED) {
      const lengthEnd = afterVarint(bytes, tagEnd)
      const end = Math.min(bytes.length, lengthEnd + varintValue(bytes.subarray(tagEnd, lengthEnd)))
      fields.push({ tag, length: bytes.subarray(tagEnd, lengthEnd), content: bytes.subarray(lengthEnd, end) })
      at = end
    } else {
      const end = type === FIXED64 ? tagEnd + 8 : type === FIXED32 ? tagEnd + 4 : afterVarint(bytes, tagEnd)
      fields.push({ tag, length: undefined, content: bytes.subarray(tagEnd, end) })
      at = end
    }
  }
  return fields
}

function afterVarint(bytes: Buffer, at: number): number {
  let next = at
  while ((bytes[next] ?? 0) >= 0x80) next += 1
  return next + 1
}

function varintValue(bytes: Buffer): number {
  return bytes.reduce((sum, byte, place) => sum + (byte & 0x7f) * 2 ** (7 * place), 0)
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  let left = value >>> 0
  for (; left >= 0x80; left >>>= 7) bytes.push((left & 0x7f) | 0x80)
  return Buffer.from([...bytes, left])
}

function asPair(choice: readonly Buffer[]): readonly [Buffer, ...Buffer[]] {
  const [first = Buffer.alloc(0), ...more] = choice
  return [first, ...more]
}
