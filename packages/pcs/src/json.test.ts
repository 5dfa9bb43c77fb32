import { describe, expect, it } from 'vitest'
import { seededRandom } from '../testing/random.js'
import { MalformedRecord } from './errors.js'
import { JsonNumber, type JsonValue, parseJson } from './json.js'

function parse(text: string | Uint8Array): JsonValue {
  return parseJson(typeof text === 'string' ? Buffer.from(text) : text)
}

/** The one error that a text gives, or undefined when it is read. */
function flawOf(text: string | Uint8Array): string | undefined {
  try {
    parse(text)
    return undefined
  } catch (error) {
    if (!(error instanceof MalformedRecord)) throw error
    expect(error.errors).toHaveLength(1)
    expect(error.errors[0]?.pointer).toBe('')
    return error.errors[0]?.detail
  }
}

/** As JSON.parse would have given it. */
function plain(value: JsonValue): unknown {
  if (value instanceof JsonNumber) return value.value
  if (Array.isArray(value)) return value.map(plain)
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, member]) => [key, plain(member)]))
  return value
}

describe('what is refused', () => {
  const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`
  const cases: [name: string, text: string | Uint8Array, detail: string][] = [
    ['nothing', '', 'is empty, at byte 0'],
    ['white space only', ' \n', 'is empty, at byte 2'],
    ['a byte-order mark', '\ufeff{}', 'starts with a byte-order mark, at byte 0'],
    ['a byte-order mark of UTF-16', Buffer.from([0xff, 0xfe, 0x7b, 0]), 'is not valid UTF-8, at byte 0'],
    ['UTF-8 that is none', Buffer.from([0x7b, 0x22, 0xc3, 0x28, 0x22]), 'is not valid UTF-8, at byte 3'],
    ['an overlong form', Buffer.from([0x22, 0xc0, 0xaf, 0x22]), 'is not valid UTF-8, at byte 1'],
    ['a surrogate in UTF-8', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), 'is not valid UTF-8, at byte 2'],
    ['a character cut short', Buffer.from([0x22, 0xf0, 0x9f, 0x9a]), 'is not valid UTF-8, at byte 4'],
    ['a duplicate key', '{"a":1,"a":1}', 'has a duplicate key, at byte 7'],
    ['a duplicate key in depth', '{"x":[{"a":1,"b":2,"a":3}]}', 'has a duplicate key, at byte 19'],
    ['a duplicate key, escaped', '{"a":1,"\\u0061":2}', 'has a duplicate key, at byte 7'],
    ['a duplicate key, __proto__', '{"__proto__":1,"__proto__":2}', 'has a duplicate key, at byte 15'],
    ['a duplicate empty key', '{"":1,"":2}', 'has a duplicate key, at byte 6'],
    ['a high surrogate alone', '"\\ud800"', 'has a lone surrogate in a string, at byte 1'],
    ['a low surrogate alone', '"\\udc00"', 'has a lone surrogate in a string, at byte 1'],
    ['surrogates the wrong way round', '"\\udc00\\ud800"', 'has a lone surrogate in a string, at byte 1'],
    ['two low surrogates', '"\\udc00\\udc00"', 'has a lone surrogate in a string, at byte 1'],
    ['two high surrogates', '"\\ud800\\ud800"', 'has a lone surrogate in a string, at byte 1'],
    ['a high surrogate and a letter', '"\\ud83dA"', 'has a lone surrogate in a string, at byte 1'],
    ['a high surrogate and another escape', '"\\ud83d\\n"', 'has a lone surrogate in a string, at byte 1'],
    ['a lone surrogate in a key', '{"\\ud800":1}', 'has a lone surrogate in a string, at byte 2'],
    ['a number that overflows', '{"a":1e400}', 'has a number that overflows, at byte 5'],
    ['a negative number that overflows', '[-1e309]', 'has a number that overflows, at byte 1'],
    ['an integer of 400 digits', '9'.repeat(400), 'has a number that overflows, at byte 0'],
    ['a huge exponent', '1e99999999999999999999', 'has a number that overflows, at byte 0'],
    ['17 arrays', nested(17), 'nests deeper than 16, at byte 16'],
    ['17 objects', `${'{"a":'.repeat(17)}1${'}'.repeat(17)}`, 'nests deeper than 16, at byte 80'],
    ['very many arrays', '['.repeat(60_000), 'nests deeper than 16, at byte 16'],
    ['a second value', '{} {}', 'has more after the end of the value, at byte 3'],
    ['a trailing comma', '{},', 'has more after the end of the value, at byte 2'],
    ['a trailing NUL', '{}\0', 'has more after the end of the value, at byte 2'],
    ['white space beyond JSON', '{}\u00a0', 'has more after the end of the value, at byte 2'],
    ['a vertical tab', '\v{}', 'expected a value, at byte 0'],
    ['a comma before the end of an array', '[1,]', 'expected a value, at byte 3'],
    ['a comma before the end of an object', '{"a":1,}', 'expected a key, at byte 7'],
    ['a comma at the start', '[,1]', 'expected a value, at byte 1'],
    ['no comma', '[1 2]', 'expected a comma or the end of the array, at byte 3'],
    ['no comma between members', '{"a":1 "b":2}', 'expected a comma or the end of the object, at byte 7'],
    ['no colon', '{"a" 1}', 'expected a colon, at byte 5'],
    ['a bare key', '{a:1}', 'expected a key, at byte 1'],
    ['a number as key', '{1:1}', 'expected a key, at byte 1'],
    ['an object without an end', '{"a":1', 'expected a comma or the end of the object, at byte 6'],
    ['an array without an end', '[1', 'expected a comma or the end of the array, at byte 2'],
    ['a wrong bracket', '[1}', 'expected a comma or the end of the array, at byte 2'],
    ['a string without an end', '"abc', 'has a string without an end, at byte 4'],
    ['an escape without an end', '"a\\', 'has an unknown escape in a string, at byte 2'],
    ['a string with escapes without an end', '"\\n', 'has a string without an end, at byte 3'],
    ['an unknown escape', '"\\x41"', 'has an unknown escape in a string, at byte 1'],
    ['an escaped quotation mark of JavaScript', '"\\\'"', 'has an unknown escape in a string, at byte 1'],
    ['too few hexadecimal digits', '"\\u00e"', 'expected a hexadecimal digit, at byte 6'],
    ['a sign among hexadecimal digits', '"\\u+0e9"', 'expected a hexadecimal digit, at byte 3'],
    ['a line feed in a string', '"a\nb"', 'has a control character in a string, at byte 2'],
    ['a NUL in a string', '"\0"', 'has a control character in a string, at byte 1'],
    ['a tab after an escape', '"\\n\t"', 'has a control character in a string, at byte 3'],
    ['a leading zero', '01', 'has a number with a leading zero, at byte 0'],
    ['a negative leading zero', '[-00]', 'has a number with a leading zero, at byte 1'],
    ['a plus', '+1', 'expected a value, at byte 0'],
    ['a minus alone', '-', 'expected a digit, at byte 1'],
    ['a point first', '.5', 'expected a value, at byte 0'],
    ['a minus and a point', '-.5', 'expected a digit, at byte 1'],
    ['a point last', '1.', 'expected a digit, at byte 2'],
    ['a point before an exponent', '1.e5', 'expected a digit, at byte 2'],
    ['an exponent without digits', '1e', 'expected a digit, at byte 2'],
    ['an exponent with only a sign', '1e+', 'expected a digit, at byte 3'],
    ['hexadecimal', '0x10', 'has more after the end of the value, at byte 1'],
    ['NaN', 'NaN', 'expected a value, at byte 0'],
    ['Infinity', '[-Infinity]', 'expected a digit, at byte 2'],
    ['a wrong literal', 'True', 'expected a value, at byte 0'],
    ['a literal cut short', 'nul', 'expected a value, at byte 0'],
    ['a literal too long', 'nulls', 'has more after the end of the value, at byte 4'],
    ['a comment', '{}//', 'has more after the end of the value, at byte 2'],
    ['single quotes', "{'a':1}", 'expected a key, at byte 1'],
    ['an offset behind wide characters', '["é🚀",]', 'expected a value, at byte 10'],
  ]
  it.each(cases)('%s', (_name, text, detail) => {
    expect(flawOf(text)).toBe(detail)
  })
})

describe('numbers', () => {
  const cases: [text: string, value: number | JsonNumber][] = [
    ['0', 0],
    ['-0', 0],
    ['1', 1],
    ['-42', -42],
    ['123456789012345', 123456789012345],
    ['9007199254740991', 9007199254740991],
    ['-9007199254740991', -9007199254740991],
    ['9007199254740992', new JsonNumber(9007199254740992, true)],
    ['9007199254740993', new JsonNumber(9007199254740992, true)],
    ['-9007199254740992', new JsonNumber(-9007199254740992, true)],
    [`1${'0'.repeat(308)}`, new JsonNumber(1e308, true)],
    ['1.0', new JsonNumber(1, false)],
    ['0.0', new JsonNumber(0, false)],
    ['-0.0', new JsonNumber(-0, false)],
    ['-0e5', new JsonNumber(-0, false)],
    ['1e3', new JsonNumber(1000, false)],
    ['1E+3', new JsonNumber(1000, false)],
    ['12.5e-1', new JsonNumber(1.25, false)],
    ['0.1', new JsonNumber(0.1, false)],
    ['0.000000001', new JsonNumber(1e-9, false)],
    ['0.1234567885', new JsonNumber(0.1234567885, false)],
    ['0.30000000000000004', new JsonNumber(0.30000000000000004, false)],
    ['1e-400', new JsonNumber(0, false)],
    ['-1e-400', new JsonNumber(-0, false)],
    [`0.${'0'.repeat(400)}1`, new JsonNumber(0, false)],
    ['0e99999', new JsonNumber(0, false)],
    ['1.7976931348623157e308', new JsonNumber(Number.MAX_VALUE, false)],
    ['5e-324', new JsonNumber(Number.MIN_VALUE, false)],
  ]
  it.each(cases)('%s', (text, value) => {
    const read = parse(text)
    if (typeof value === 'number') {
      expect(read).toBe(value)
      return
    }
    expect(read).toBeInstanceOf(JsonNumber)
    if (read instanceof JsonNumber) {
      expect(read.value).toBe(value.value)
      expect(read.integral).toBe(value.integral)
    }
  })

  it('reads every decimal number to the nearest double', () => {
    const random = seededRandom(1)
    for (let i = 0; i < 20_000; i++) {
      const digits = Math.floor(random() * 10 ** Math.ceil(random() * 17)).toString()
      const whole = random() < 0.5 ? 0 : Math.floor(random() * 1000)
      const text = `${whole}.${'0'.repeat(random() * 24)}${digits}`
      const read = parse(`-${text}`)
      expect(read instanceof JsonNumber && read.value, text).toBe(-Number(text))
    }
  })
})

describe('what is read', () => {
  it('takes 16 levels and white space around everything', () => {
    expect(flawOf(`${'['.repeat(16)}1${']'.repeat(16)}`)).toBeUndefined()
    expect(plain(parse(' \t\r\n{ "a" : [ 1 , true , false , null ] , "b" : { } , "c" : [ ] } \n'))).toEqual({
      a: [1, true, false, null],
      b: {},
      c: [],
    })
  })

  it('unescapes', () => {
    expect(parse('"\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00E9\\ud83d\\uDE80 é🚀\u007f\u2028"')).toBe(
      '"\\/\b\f\n\r\tAé🚀 é🚀\u007f\u2028',
    )
    expect(parse('"\\u0000\\ufeff\\ufffe"')).toBe('\0\ufeff\ufffe')
  })

  it('keeps the names of Object.prototype as plain keys', () => {
    const read = parse('{"__proto__":{"polluted":1},"constructor":2,"toString":3,"hasOwnProperty":4}')
    expect(read instanceof Map && [...read.keys()]).toEqual([
      '__proto__',
      'constructor',
      'toString',
      'hasOwnProperty',
    ])
    expect('polluted' in {}).toBe(false)
  })

  it('holds thousands of keys', () => {
    const keys = Array.from({ length: 6000 }, (_, i) => `"k${i}":${i}`)
    const read = parse(`{${keys.join(',')}}`)
    expect(read instanceof Map && read.size).toBe(6000)
  })
})

describe('beside JSON.parse', () => {
  const random = seededRandom(20260101)
  const pick = <T>(items: readonly T[], otherwise: T): T =>
    items[Math.floor(random() * items.length)] ?? otherwise
  const space = () => pick(['', '', '', ' ', '\n', '\t', '\r', '  '], '')

  const stringText = (): string => {
    let text = ''
    for (let length = random() * 12; length > 0; length--) {
      text += pick(
        [
          'a',
          'Z',
          '7',
          ' ',
          'é',
          '🚀',
          '\u2028',
          '\u007f',
          '\\n',
          '\\"',
          '\\\\',
          '\\u00e9',
          '\\ud83d\\ude80',
        ],
        '',
      )
    }
    return `"${text}"`
  }
  const numberText = (): string => {
    const whole = pick(
      ['0', '7', '10', '123456789', '9007199254740993', `${Math.floor(random() * 1e6)}`],
      '0',
    )
    const fraction = pick(['', '', '.0', '.5', '.000001', `.${Math.floor(random() * 1e12)}`], '')
    const exponent = pick(['', '', '', 'e0', 'E-3', 'e+10', 'e-330'], '')
    return pick(['', '-'], '') + whole + fraction + exponent
  }
  const valueText = (depth: number): string => {
    const kind = random() * (depth > 5 ? 3 : 5)
    if (kind < 1) return stringText()
    if (kind < 2) return numberText()
    if (kind < 3) return pick(['true', 'false', 'null'], 'null')
    const items = Array.from({ length: random() * 5 }, (_, i) =>
      kind < 4
        ? valueText(depth + 1)
        : `"${i}${stringText().slice(1)}${space()}:${space()}${valueText(depth + 1)}`,
    ).map((item) => space() + item + space())
    return kind < 4 ? `[${items.join(',')}${space()}]` : `{${items.join(',')}${space()}}`
  }

  it('reads valid texts to the same value', () => {
    for (let i = 0; i < 3000; i++) {
      const text = valueText(1)
      // `+ 0`: JSON.parse keeps the sign of the integer -0, which has none here.
      const expected = JSON.parse(text, (_key, value) => (value === 0 ? 0 : value))
      const read = JSON.parse(JSON.stringify(plain(parse(text))), (_key, value) => (value === 0 ? 0 : value))
      expect(read, text).toEqual(expected)
    }
  })

  it('refuses what it refuses, and fails in no other way', () => {
    const strictness = /duplicate key|lone surrogate|overflows|nests deeper/
    let refused = 0
    for (let i = 0; i < 6000; i++) {
      const bytes = Buffer.from(valueText(1))
      for (let edits = 1 + random() * 2; edits > 0; edits--) {
        bytes[Math.floor(random() * bytes.length)] = pick(
          [...Buffer.from('{}[]",:\\u0e-+.1 \n'), 0, 0x80, 0xff],
          0,
        )
      }
      const flaw = flawOf(bytes)
      let valid = true
      try {
        JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes))
      } catch {
        valid = false
      }
      if (flaw !== undefined) refused++
      if (valid) expect(flaw ?? 'duplicate key', bytes.toString()).toMatch(strictness)
      else expect(flaw, bytes.toString()).toBeDefined()
    }
    expect(refused).toBeGreaterThan(1000)
  })
})
