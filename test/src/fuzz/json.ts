import type { Random } from '../random.js'
import { nested } from '../record-text.js'
import { changedBytes, oneOf, randomBytes } from './bytes.js'
import { corpusOf } from './corpus.js'
import { idOf, randomRecord, signatureOf } from './records.js'

const NUMBERS = [
  ...[
    '0',
    '-0',
    '1',
    '-1',
    '2',
    '0.5',
    '1.0',
    '1e3',
    '1E+2',
    '1e-400',
    '1e400',
    '-1e309',
    '00',
    '+1',
    '.5',
    '1.',
  ],
  ...[
    '9007199254740991',
    '9007199254740992',
    '-9007199254740991',
    '123456789012345678',
    '0.30000000000000004',
  ],
  ...[
    '1.7976931348623157e308',
    '5e-324',
    '2.2250738585072011e-308',
    '1e-9',
    '0.0000000005',
    '0.9999999995',
    '-',
  ],
] as const
const TEXTS = [
  ...[
    '""',
    '"x"',
    '"0.2"',
    '"0.1"',
    '"mixed"',
    '"\\u0000"',
    '"\\ud83d\\ude80"',
    '"\\ud83d"',
    '"\\ude80\\ud83d"',
  ],
  ...[
    '"\u{1f680}"',
    '"\\"',
    '"\t"',
    '"\\/"',
    '"a\\u0301"',
    '"\\u007f"',
    '"2024-02-29T12:00:00Z"',
    '"AA=="',
    '"=',
  ],
  ...[
    '"2023-02-29T12:00:00Z"',
    '"2026-01-01T00:00:60Z"',
    '"__proto__"',
    '"\\u2028"',
    '"\u202e"',
    '"PLANTED"',
  ],
] as const
const WORDS = [
  'null',
  'true',
  'false',
  '[]',
  '{}',
  '[1,2,3]',
  '[0,0,0]',
  '{"":0}',
  'NaN',
  'undefined',
  '[,]',
] as const
const KEYS = [
  'x',
  '',
  '__proto__',
  'constructor',
  'epoch',
  'sig',
  'N_j',
  'toString',
  '\\u0073ig',
  'é',
  'PLANTED',
]
const SPACES = ['', ' ', '\n', '\t\r\n ', '\u00a0', '\ufeff', '/**/'] as const
/** Of a value: deeper than the record may be. */
const DEPTH_MAX = 18

const TOKENS = [
  ...NUMBERS,
  ...TEXTS,
  ...WORDS,
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '"',
  '\\',
  '"sig":',
  '"ft":{',
  ',"a":1',
]
const MATERIAL = {
  tokens: [...TOKENS.map((text) => Buffer.from(text)), Buffer.from([0xff]), Buffer.from([0xed, 0xa0, 0x80])],
  others: corpusOf('record'),
}

/** The body of a submission: of any kind, most of them nearly valid records. */
export function recordBody(random: Random): Buffer {
  switch (random(16)) {
    case 0:
      return unlike(random)
    case 1:
    case 2:
      return changedBytes(
        MATERIAL.others[random(MATERIAL.others.length)] ?? randomBytes(random, 9),
        random,
        MATERIAL,
      )
    case 3:
    case 4:
    case 5:
      return changedBytes(Buffer.from(randomRecord(random).text), random, MATERIAL)
    case 6:
      return Buffer.from(randomRecord(random).text)
    default:
      return changedRecord(random)
  }
}

/** Like no record: noise, a heap of tokens, or far too much of one thing. */
function unlike(random: Random): Buffer {
  if (random(64) === 0) return tooMuch(random)
  if (random(2) === 0) return randomBytes(random, 200)
  return Buffer.from(Array.from({ length: random(60) }, () => TOKENS[random(TOKENS.length)]).join(''))
}

function tooMuch(random: Random): Buffer {
  const count = 1 + random(12_000)
  switch (random(8)) {
    case 0:
      return Buffer.from('{"x":'.repeat(count))
    case 1:
      return Buffer.from(nested(count))
    case 2:
      return Buffer.from(`{"r":${'9'.repeat(count)}}`)
    case 3:
      return Buffer.from(
        `{"N_j":{${Array.from({ length: count / 8 }, (_, index) => `"k${index}":-1`).join()}}}`,
      )
    case 4:
      return Buffer.alloc(60_000 + random(12_000), 0x20)
    case 5:
      return Buffer.from(`{"scales":[${'1,'.repeat(count)}1]}`)
    case 6:
      return Buffer.from(`{"shard_id":"${'\\ud83d\\ude80'.repeat(count / 12)}"}`)
    default:
      return Buffer.alloc(count, random(256))
  }
}

/** A record with some fields changed, in nine of ten cases with the signature and the id that fit to what they are now. */
function changedRecord(random: Random): Buffer {
  const texts = new Map(randomRecord(random).fields)
  for (let changes = random(4); changes > 0; changes -= 1) changeField(texts, random)
  const members = [...texts].map(([key, text]): [string, string] => [JSON.stringify(key), text])
  if (random(10) > 0) sealAgain(members, random)
  for (let changes = random(3); changes > 0; changes -= 1) changeForm(members, random)
  const space = (): string => (random(20) === 0 ? oneOf(SPACES, random) : '')
  const body = members
    .map(([key, text]) => `${space()}${key}${space()}:${space()}${text}${space()}`)
    .join(',')
  return Buffer.from(`${space()}{${body}}${space()}`)
}

function changeField(texts: Map<string, string>, random: Random): void {
  const names = [...texts.keys()]
  const name = names[random(names.length)] ?? 'x'
  switch (random(8)) {
    case 0:
      texts.delete(name)
      return
    case 1:
      texts.set(KEYS[random(KEYS.length)] ?? '', value(random, 3))
      return
    case 2:
      texts.set('N_j', counts(random))
      return
    case 3:
      texts.set(name, value(random, 1))
      return
    default:
      texts.set(name, valueLike(texts.get(name) ?? '', random))
  }
}

/** Of the same type: what is refused for more than that comes further. */
function valueLike(text: string, random: Random): string {
  const isPlain = random(2) === 0
  if (text.startsWith('"')) return isPlain ? `"${random(2 ** 31)}"` : oneOf(TEXTS, random)
  if (text.startsWith('[')) return `[${Array.from({ length: random(5) }, () => 1 + random(64)).join(',')}]`
  if (text.startsWith('{')) return counts(random)
  return isPlain ? String(random(2 ** 31)) : oneOf(NUMBERS, random)
}

function value(random: Random, depth: number): string {
  switch (random(depth < DEPTH_MAX ? 8 : 5)) {
    case 0:
    case 1:
      return random(2) === 0 ? oneOf(NUMBERS, random) : String((random(2e9) - 1e9) / 10 ** random(12))
    case 2:
    case 3:
      return oneOf(TEXTS, random)
    case 4:
      return oneOf(WORDS, random)
    case 5:
      return nested(random(DEPTH_MAX), random(2) === 0 ? '1' : '')
    case 6:
      return `[${Array.from({ length: random(5) }, () => value(random, depth + 1)).join(',')}]`
    default:
      return `{${Array.from({ length: random(4) }, () => `"${KEYS[random(KEYS.length)]}":${value(random, depth + 1)}`).join(',')}}`
  }
}

function counts(random: Random): string {
  const keys = ['2', '4', '02', '2.0', '1e1', '-2', '__proto__', '9007199254740992', ' 2', '2']
  const members = Array.from(
    { length: random(4) },
    () => `"${keys[random(keys.length)]}":${value(random, 15)}`,
  )
  return `{${members.join(',')}}`
}

/** Id and signature anew. */
function sealAgain(members: [string, string][], random: Random): void {
  let changed: Record<string, unknown>
  try {
    changed = JSON.parse(`{${members.map((member) => member.join(':')).join(',')}}`)
  } catch {
    // No JSON any more: nothing of it will be verified.
    return
  }
  const set = (key: string, text: string | undefined): void => {
    const member = members.find(([name]) => name === `"${key}"`)
    if (!member || text === undefined) return
    member[1] = JSON.stringify(text)
    changed[key] = text
  }
  if (random(4) > 0) set('pcs_id', idOf(changed))
  set('sig', signatureOf(changed))
}

/** Something that means the same, or is not JSON any more. */
function changeForm(members: [string, string][], random: Random): void {
  const at = random(members.length)
  const member = members[at]
  if (!member) return
  switch (random(5)) {
    case 0:
      members.push([...member])
      return
    case 1:
      members.splice(at, 1)
      members.unshift(member)
      return
    case 2:
      member[0] = escaped(member[0], random)
      return
    case 3:
      if (member[1].startsWith('"') && member[1].endsWith('"')) member[1] = escaped(member[1], random)
      return
    default:
      members.push([`"${KEYS[random(KEYS.length)]}"`, value(random, 2)])
  }
}

/** A JSON string with one of its letters as an escape. */
function escaped(text: string, random: Random): string {
  const at = 1 + random(Math.max(1, text.length - 2))
  const code = text.charCodeAt(at)
  if (!(code >= 0x30 && code <= 0x7a) || text[at - 1] === '\\') return text
  return `${text.slice(0, at)}\\u${code.toString(16).padStart(4, '0')}${text.slice(at + 1)}`
}
