import { FileError } from '@fractal-lba/credentials'
import { ed25519PublicKey, hmacKey, type KeyRules, UnusableKey, type VerifyingKey } from '@fractal-lba/pcs'
import { parseDocument } from 'yaml'

/** Of a file, and of one key in it. */
export const KEY_FILE_BYTES_MAX = 2 ** 20
const KEYS_MAX = 1_000
const SHARDS_MAX = 1_000

const FIELDS = ['id', 'algorithm', 'key', 'not_before', 'not_after', 'shards']
/** RFC 3339 with seconds and an offset; Date.parse alone would take local times too. */
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/

/**
 * The keys of `PCS_KEYS_FILE`: YAML or JSON, `{ keys: [{ id, algorithm, key, not_before, not_after, shards }] }`.
 * @param name of the file, for sentences
 * @throws FileError that says what is wrong and where; nothing of a key is in it
 */
export function parseKeyFile(text: string, name: string): readonly VerifyingKey[] {
  const wrong = (why: string): FileError => new FileError(`${name}: ${why}`)
  const { keys } = objectOf(parsed(text, wrong), () => wrong('it is not an object with a list "keys"'))
  if (!Array.isArray(keys)) throw wrong('it is not an object with a list "keys"')
  if (keys.length === 0) throw wrong('it has no key')
  if (keys.length > KEYS_MAX) throw wrong(`it has more than ${KEYS_MAX} keys`)
  const byId = new Map<string, VerifyingKey>()
  for (const [index, entry] of keys.entries()) {
    const key = keyOf(entry, (why) => wrong(`key ${index + 1} ${why}`))
    if (byId.has(key.id)) throw wrong(`key ${index + 1} is there twice: ${key.id}`)
    byId.set(key.id, key)
  }
  return [...byId.values()]
}

type Wrong = (why: string) => FileError
type Entry = Readonly<Record<string, unknown>>

function parsed(text: string, wrong: Wrong): unknown {
  // Its errors would quote the text, which has keys in it.
  const document = parseDocument(text, { prettyErrors: false })
  if (document.errors.length > 0) throw wrong('it is neither YAML nor JSON')
  try {
    return document.toJS({ maxAliasCount: 0 })
  } catch {
    throw wrong('it has an alias')
  }
}

function keyOf(value: unknown, wrong: Wrong): VerifyingKey {
  const entry = objectOf(value, () => wrong('is not an object'))
  const unknown = Object.keys(entry).find((field) => !FIELDS.includes(field))
  // What is not known may be a window that was meant: without it the key would count for ever.
  if (unknown !== undefined) throw wrong(`has a field that is none of ${FIELDS.join(', ')}`)
  const key = load(entry, rulesOf(entry, wrong), wrong)
  if (entry.id !== undefined && entry.id !== key.id) {
    throw wrong(`is ${key.id}, but its id says something else: leave the id out, or correct it or the key`)
  }
  return key
}

function load({ algorithm, key }: Entry, rules: KeyRules, wrong: Wrong): VerifyingKey {
  if (typeof key !== 'string') throw wrong('has no text "key"')
  try {
    if (algorithm === 'hmac') return hmacKey(key, rules)
    if (algorithm === 'ed25519') return ed25519PublicKey(key, rules)
  } catch (error) {
    if (error instanceof UnusableKey) throw wrong(`cannot be used: ${error.message}`)
    throw error
  }
  throw wrong('has an "algorithm" that is neither hmac nor ed25519')
}

function rulesOf(entry: Entry, wrong: Wrong): KeyRules {
  const notBeforeMs = timeOf(entry.not_before, 'not_before', wrong)
  const notAfterMs = timeOf(entry.not_after, 'not_after', wrong)
  if (notBeforeMs !== undefined && notAfterMs !== undefined && notAfterMs < notBeforeMs) {
    throw wrong('ends before it begins')
  }
  return { notBeforeMs, notAfterMs, shards: shardsOf(entry.shards, wrong) }
}

function timeOf(value: unknown, field: string, wrong: Wrong): number | undefined {
  if (value === undefined) return undefined
  const timeMs = typeof value === 'string' && TIME.test(value) ? Date.parse(value) : Number.NaN
  if (Number.isNaN(timeMs)) throw wrong(`has a "${field}" that is no time such as 2026-12-31T23:59:59Z`)
  return timeMs
}

function shardsOf(value: unknown, wrong: Wrong): readonly string[] | undefined {
  if (value === undefined) return undefined
  const isList = Array.isArray(value) && value.length > 0 && value.length <= SHARDS_MAX
  if (!isList || !value.every((shard) => typeof shard === 'string' && shard !== '')) {
    throw wrong('has "shards" that is no list of texts')
  }
  return value
}

function objectOf(value: unknown, error: () => FileError): Entry {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw error()
  return value as Entry
}
