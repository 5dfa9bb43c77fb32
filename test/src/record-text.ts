import type { TestRecord } from './records.js'

/** The JSON text of each field, so that a test can write what JSON.stringify never would. */
export type FieldTexts = Readonly<Record<string, string>>

export function fieldTexts(record: TestRecord): FieldTexts {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, JSON.stringify(value)]))
}

/** The record's text with some fields as given; undefined takes a field out. */
export function withFields(
  record: TestRecord,
  changes: Readonly<Record<string, string | undefined>>,
): string {
  const texts = { ...fieldTexts(record), ...changes }
  const members = Object.entries(texts).filter(([, text]) => text !== undefined)
  return `{${members.map(([name, text]) => `${JSON.stringify(name)}:${text}`).join(',')}}`
}

/** The record's text with something written before its first field. */
export function withFirst(record: TestRecord, members: string): string {
  return `{${members},${JSON.stringify(record).slice(1)}`
}

/** Arrays in arrays; the record itself is depth 1, so a value of this depth inside of it makes one more. */
export function nested(depth: number, innermost = ''): string {
  return '['.repeat(depth) + innermost + ']'.repeat(depth)
}
