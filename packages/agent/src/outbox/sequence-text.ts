const QUOTE = 0x22
const BACKSLASH = 0x5c
const COLON = 0x3a
const OPEN = 0x7b
const CLOSE = 0x7d
const NUMBER = new Set([...'-0123456789'].map((digit) => digit.charCodeAt(0)))
const SPACE = new Set([0x20, 0x09, 0x0a, 0x0d])

/**
 * The record's text with that number as `/ft/outbox_seq`, and otherwise byte for byte as it was: fields that a
 * later version may name stay, and so does how numbers are written. Neither signature nor fingerprint covers `ft`.
 *
 * @param json a record that `parseRecord` has taken
 */
export function withOutboxSeq(json: Uint8Array, seq: number): Buffer {
  const { start, end } = outboxSeqSpan(json)
  return Buffer.concat([json.subarray(0, start), Buffer.from(String(seq)), json.subarray(end)])
}

/** A key of `ft` stands in depth 2 below the key `ft` of depth 1; arrays hold no keys, so they need no depth. */
function outboxSeqSpan(json: Uint8Array): { readonly start: number; readonly end: number } {
  let depth = 0
  let holder = ''
  for (let at = 0; at < json.length; at++) {
    if (json[at] === OPEN) depth += 1
    else if (json[at] === CLOSE) depth -= 1
    else if (json[at] === QUOTE) {
      const end = stringEnd(json, at)
      const next = skip(json, end, SPACE)
      if (json[next] === COLON) {
        const key = stringAt(json, at, end)
        if (depth === 1) holder = key
        if (depth === 2 && holder === 'ft' && key === 'outbox_seq') {
          const start = skip(json, next + 1, SPACE)
          return { start, end: skip(json, start, NUMBER) }
        }
      }
      at = end - 1
    }
  }
  throw new Error('a record without /ft/outbox_seq is no valid record')
}

/** The place behind the closing quote. */
function stringEnd(json: Uint8Array, start: number): number {
  let at = start + 1
  while (at < json.length && json[at] !== QUOTE) at += json[at] === BACKSLASH ? 2 : 1
  return at + 1
}

function stringAt(json: Uint8Array, start: number, end: number): string {
  const value: unknown = JSON.parse(Buffer.from(json.subarray(start, end)).toString('utf8'))
  return String(value)
}

function skip(json: Uint8Array, start: number, bytes: ReadonlySet<number>): number {
  let at = start
  while (at < json.length && bytes.has(json[at] ?? 0)) at += 1
  return at
}
