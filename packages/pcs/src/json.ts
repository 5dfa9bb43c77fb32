import { MalformedRecord } from './errors.js'

/** How deep arrays and objects may nest; the outermost is depth 1, scalars add none. */
export const jsonDepthMax = 16

/**
 * A number that is not a plain safe integer: written with a point or an exponent, or an integer beyond ±(2^53−1).
 * It keeps what a JavaScript number cannot say: that `1.0` and `1e3` were not written as integers.
 */
export class JsonNumber {
  /**
   * @param value the nearest double; `-0.0` keeps its sign
   * @param integral whether it was written as an integer, `-?(0|[1-9][0-9]*)`
   */
  constructor(
    readonly value: number,
    readonly integral: boolean,
  ) {}
}

/** Maps, because `__proto__` and `constructor` are keys like any other in a map. */
export type JsonObject = ReadonlyMap<string, JsonValue>

/** Plain numbers are safe integers that were written as integers; `-0` among them is 0. */
export type JsonValue = null | boolean | string | number | JsonNumber | readonly JsonValue[] | JsonObject

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Reads one JSON text by the rules of docs/contract.md, section 6, which `JSON.parse` does not keep: duplicate
 * keys, lone surrogates, overflowing numbers and nesting beyond 16 are errors, and integers are not rounded.
 * Takes time linear in the size. Strings of the result may share memory with the whole text.
 *
 * @throws MalformedRecord with one entry: pointer '', and the byte offset in its detail
 */
export function parseJson(bytes: Uint8Array): JsonValue {
  let text: string
  try {
    text = utf8.decode(bytes)
  } catch {
    throw syntaxError('is not valid UTF-8', firstInvalidByte(bytes))
  }
  return new Reader(text).document()
}

function syntaxError(detail: string, offsetBytes: number): MalformedRecord {
  return new MalformedRecord([{ pointer: '', detail: `${detail}, at byte ${offsetBytes}` }])
}

/** The offset of the byte with which `bytes` stops being UTF-8; for a text cut short, its length. */
function firstInvalidByte(bytes: Uint8Array): number {
  let good = 0
  let bad = bytes.length + 1
  while (bad - good > 1) {
    const middle = (good + bad) >>> 1
    if (startsAsUtf8(bytes.subarray(0, middle))) good = middle
    else bad = middle
  }
  return good
}

function startsAsUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true })
    return true
  } catch {
    return false
  }
}

const tab = 0x09
const newline = 0x0a
const carriageReturn = 0x0d
const space = 0x20
const quote = 0x22
const plus = 0x2b
const comma = 0x2c
const minus = 0x2d
const point = 0x2e
const digit0 = 0x30
const digit9 = 0x39
const colon = 0x3a
const bracketOpen = 0x5b
const backslash = 0x5c
const bracketClose = 0x5d
const letterE = 0x65
const letterU = 0x75
const braceOpen = 0x7b
const braceClose = 0x7d
const byteOrderMark = 0xfeff

/** Integers of so many digits are exact in a double, and so is what is summed up digit by digit. */
const exactDigitsMax = 15

/** Powers of ten that are exact in a double: an exact integer over one of them is the correctly rounded quotient. */
const exactPowersOfTen = Float64Array.from({ length: 23 }, (_, power) => Number(`1e${power}`))

const simpleEscapes = new Map<number, string>([
  [quote, '"'],
  [backslash, '\\'],
  [0x2f, '/'],
  [0x62, '\b'],
  [0x66, '\f'],
  [0x6e, '\n'],
  [0x72, '\r'],
  [0x74, '\t'],
])

class Reader {
  private position = 0
  private readonly end: number

  constructor(private readonly text: string) {
    this.end = text.length
  }

  document(): JsonValue {
    if (this.peek() === byteOrderMark) this.fail('starts with a byte-order mark')
    this.skipWhiteSpace()
    if (this.position === this.end) this.fail('is empty')
    const value = this.value(1)
    this.skipWhiteSpace()
    if (this.position < this.end) this.fail('has more after the end of the value')
    return value
  }

  /** The code at the position, 0 after the end: NUL stands nowhere in JSON, so no caller takes it for anything. */
  private peek(): number {
    return this.position < this.end ? this.text.charCodeAt(this.position) : 0
  }

  private skipWhiteSpace(): void {
    while (this.position < this.end) {
      const code = this.text.charCodeAt(this.position)
      if (code > space || (code !== space && code !== newline && code !== carriageReturn && code !== tab))
        return
      this.position++
    }
  }

  private value(depth: number): JsonValue {
    this.skipWhiteSpace()
    const code = this.peek()
    if (code === quote) return this.string()
    if (code === minus || (code >= digit0 && code <= digit9)) return this.number()
    if (code === braceOpen) return this.object(depth)
    if (code === bracketOpen) return this.array(depth)
    if (this.takeWord('true')) return true
    if (this.takeWord('false')) return false
    if (this.takeWord('null')) return null
    return this.fail('expected a value')
  }

  private takeWord(word: string): boolean {
    if (!this.text.startsWith(word, this.position)) return false
    this.position += word.length
    return true
  }

  private object(depth: number): JsonObject {
    this.enter(depth)
    const members = new Map<string, JsonValue>()
    this.skipWhiteSpace()
    if (this.peek() === braceClose) {
      this.position++
      return members
    }
    for (let count = 1; ; count++) {
      this.skipWhiteSpace()
      if (this.peek() !== quote) this.fail('expected a key')
      const keyPosition = this.position
      const key = this.string()
      this.skipWhiteSpace()
      if (this.peek() !== colon) this.fail('expected a colon')
      this.position++
      members.set(key, this.value(depth + 1))
      if (members.size !== count) this.fail('has a duplicate key', keyPosition)
      this.skipWhiteSpace()
      const code = this.peek()
      if (code !== comma && code !== braceClose) this.fail('expected a comma or the end of the object')
      this.position++
      if (code === braceClose) return members
    }
  }

  private array(depth: number): JsonValue[] {
    this.enter(depth)
    const items: JsonValue[] = []
    this.skipWhiteSpace()
    if (this.peek() === bracketClose) {
      this.position++
      return items
    }
    for (;;) {
      items.push(this.value(depth + 1))
      this.skipWhiteSpace()
      const code = this.peek()
      if (code !== comma && code !== bracketClose) this.fail('expected a comma or the end of the array')
      this.position++
      if (code === bracketClose) return items
    }
  }

  private enter(depth: number): void {
    if (depth > jsonDepthMax) this.fail(`nests deeper than ${jsonDepthMax}`)
    this.position++
  }

  private number(): number | JsonNumber {
    const start = this.position
    const negative = this.peek() === minus
    if (negative) this.position++
    // Sums up the digits as an integer; exact as long as at most 15 of them are significant.
    let mantissa = 0
    let significant = 0
    let code = this.peek()
    const integerStart = this.position
    while (code >= digit0 && code <= digit9) {
      mantissa = mantissa * 10 + (code - digit0)
      if (mantissa !== 0) significant++
      this.position++
      code = this.peek()
    }
    const integerDigits = this.position - integerStart
    if (integerDigits === 0) this.fail('expected a digit')
    if (integerDigits > 1 && this.text.charCodeAt(integerStart) === digit0) {
      this.fail('has a number with a leading zero', start)
    }
    if (code !== point && (code | 0x20) !== letterE) {
      if (significant <= exactDigitsMax) return negative && mantissa !== 0 ? -mantissa : mantissa
      const value = this.finite(start)
      return Number.isSafeInteger(value) ? value : new JsonNumber(value, true)
    }

    let decimals = 0
    if (code === point) {
      this.position++
      const decimalsStart = this.position
      code = this.peek()
      while (code >= digit0 && code <= digit9) {
        mantissa = mantissa * 10 + (code - digit0)
        if (mantissa !== 0) significant++
        this.position++
        code = this.peek()
      }
      decimals = this.position - decimalsStart
      if (decimals === 0) this.fail('expected a digit')
    }
    if ((code | 0x20) === letterE) {
      this.exponent()
    } else if (significant <= exactDigitsMax) {
      const power = exactPowersOfTen[decimals]
      if (power !== undefined) {
        const value = mantissa / power
        return new JsonNumber(negative ? -value : value, false)
      }
    }
    return new JsonNumber(this.finite(start), false)
  }

  private exponent(): void {
    this.position++
    let code = this.peek()
    if (code === plus || code === minus) {
      this.position++
      code = this.peek()
    }
    if (!(code >= digit0 && code <= digit9)) this.fail('expected a digit')
    while (code >= digit0 && code <= digit9) {
      this.position++
      code = this.peek()
    }
  }

  private finite(start: number): number {
    const value = Number(this.text.slice(start, this.position))
    if (!Number.isFinite(value)) this.fail('has a number that overflows', start)
    return value
  }

  private string(): string {
    const { text, end } = this
    const start = this.position + 1
    for (let position = start; position < end; position++) {
      const code = text.charCodeAt(position)
      if (code === quote) {
        this.position = position + 1
        return text.slice(start, position)
      }
      if (code === backslash) return this.stringWithEscapes(start, position)
      if (code < space) this.fail('has a control character in a string', position)
    }
    return this.fail('has a string without an end', end)
  }

  private stringWithEscapes(start: number, firstEscape: number): string {
    const { text, end } = this
    const parts = [text.slice(start, firstEscape)]
    this.position = firstEscape
    let plainStart = firstEscape
    while (this.position < end) {
      const code = text.charCodeAt(this.position)
      if (code === quote) {
        parts.push(text.slice(plainStart, this.position))
        this.position++
        return parts.join('')
      }
      if (code === backslash) {
        if (this.position > plainStart) parts.push(text.slice(plainStart, this.position))
        parts.push(this.escape())
        plainStart = this.position
      } else {
        if (code < space) this.fail('has a control character in a string')
        this.position++
      }
    }
    return this.fail('has a string without an end')
  }

  /** Reads the escape at the position; a surrogate counts only together with its other half. */
  private escape(): string {
    const start = this.position
    this.position++
    const simple = simpleEscapes.get(this.peek())
    if (simple !== undefined) {
      this.position++
      return simple
    }
    if (this.peek() !== letterU) this.fail('has an unknown escape in a string', start)
    this.position++
    const first = this.fourHexDigits()
    if (first < 0xd800 || first > 0xdfff) return String.fromCharCode(first)
    if (first <= 0xdbff && this.takeWord('\\u')) {
      const second = this.fourHexDigits()
      if (second >= 0xdc00 && second <= 0xdfff) return String.fromCharCode(first, second)
    }
    return this.fail('has a lone surrogate in a string', start)
  }

  private fourHexDigits(): number {
    let value = 0
    for (let i = 0; i < 4; i++) {
      const digit = hexDigit(this.peek())
      if (digit < 0) this.fail('expected a hexadecimal digit')
      value = value * 16 + digit
      this.position++
    }
    return value
  }

  private fail(detail: string, position: number = this.position): never {
    throw syntaxError(detail, Buffer.byteLength(this.text.slice(0, position)))
  }
}

function hexDigit(code: number): number {
  if (code >= digit0 && code <= digit9) return code - digit0
  const lower = code | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x61 + 10 : -1
}
