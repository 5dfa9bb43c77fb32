import type { Random } from '../random.js'

/** What is put between bytes, and what else bytes are taken from. */
export interface Material {
  readonly tokens: readonly Buffer[]
  readonly others: readonly Buffer[]
}

const RUN_BYTES_MAX = 300
const NOTHING = Buffer.alloc(0)

/** The same bytes with some changes that know nothing of what they mean. */
export function changedBytes(original: Buffer, random: Random, material: Material): Buffer {
  let bytes = original
  for (let changes = 1 + random(4); changes > 0; changes -= 1) bytes = oneChange(bytes, random, material)
  return bytes
}

function oneChange(bytes: Buffer, random: Random, { tokens, others }: Material): Buffer {
  const at = random(bytes.length + 1)
  const to = Math.min(bytes.length, at + 1 + random(random(8) === 0 ? RUN_BYTES_MAX : 8))
  const [head, middle, tail] = [bytes.subarray(0, at), bytes.subarray(at, to), bytes.subarray(to)]
  switch (random(10)) {
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
    case 5:
      return head
    case 6: {
      const other = pick(others, random)
      const from = random(other.length)
      return Buffer.concat([head, other.subarray(from, from + 1 + random(200)), tail])
    }
    case 7:
      return Buffer.concat([head, Buffer.alloc(1 + random(RUN_BYTES_MAX), random(256)), tail])
    default:
      return Buffer.concat([head, pick(tokens, random), random(2) === 0 ? middle : NOTHING, tail])
  }
}

export function randomBytes(random: Random, bytesMax: number): Buffer {
  const bytes = Buffer.allocUnsafe(random(bytesMax + 1))
  for (let at = 0; at < bytes.length; at += 1) bytes[at] = random(256)
  return bytes
}

function pick(choice: readonly Buffer[], random: Random): Buffer {
  return choice[random(choice.length)] ?? NOTHING
}

/** One of them. */
export function oneOf<T>(choice: readonly [T, ...T[]], random: Random): T {
  return choice[random(choice.length)] ?? choice[0]
}
