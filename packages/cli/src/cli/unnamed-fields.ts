import { faultToleranceFields, type JsonValue, parseJson, pointerTo, recordFields } from '@fractal-lba/pcs'

/**
 * JSON pointers of the fields that the contract does not name, which a rewritten record therefore lacks.
 * @throws MalformedRecord when the bytes are no JSON by the contract's section 6
 */
export function unnamedFields(bytes: Uint8Array): string[] {
  const record = parseJson(bytes)
  const ft = record instanceof Map ? record.get('ft') : undefined
  return [...unnamed(record, recordFields, ''), ...unnamed(ft, faultToleranceFields, '/ft')]
}

function unnamed(value: JsonValue | undefined, named: readonly string[], parent: string): string[] {
  if (!(value instanceof Map)) return []
  return [...value.keys()].filter((key) => !named.includes(key)).map((key) => pointerTo(parent, key))
}
