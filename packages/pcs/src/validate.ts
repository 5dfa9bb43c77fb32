import { isDateTime } from './date-time.js'
import { type FieldError, fieldErrorsMax, MalformedRecord, pointerTo } from './errors.js'
import { JsonNumber, type JsonObject, type JsonValue, parseJson } from './json.js'
import type { FaultTolerance, Pcs, Regime } from './record.js'

export const pcsSchema = 'fractal-lba-kakeya'
/** The version of this contract; a newer minor one is taken. */
export const pcsVersion = '0.1'

const integerMax = Number.MAX_SAFE_INTEGER
const scalesMin = 2
const scalesMax = 64
const pcsIdDigits = 64
const merkleRootDigitsMax = 128
const fallbacksMax = 64
const textCodePointsMax = 256

/**
 * Reads the bytes of one submission.
 * @throws MalformedRecord with all that breaks sections 1 and 6 of docs/contract.md
 */
export function parseRecord(bytes: Uint8Array): Pcs {
  return validateRecord(parseJson(bytes))
}

/**
 * Checks a value against section 1 of docs/contract.md. Not errors: unknown fields, a `pcs_id` of the right form that
 * is another hash (`hasMatchingId`), and whatever is wrong with `sig`.
 * @throws MalformedRecord with all errors, not the first
 */
export function validateRecord(value: JsonValue): Pcs {
  const check = new Check()
  const record = check.object(value, '')
  if (record === undefined) throw new MalformedRecord(check.errors)

  const scales = scalesOf(check, record)
  const pcs: Pcs = {
    pcs_id: check.text(record, 'pcs_id', isPcsId, 'must be 64 lower-case hexadecimal digits'),
    schema: check.text(record, 'schema', isSchema, `must be "${pcsSchema}"`),
    version: check.text(
      record,
      'version',
      isVersion,
      `must be "${pcsVersion}" or a newer minor version of it`,
    ),
    shard_id: check.text(
      record,
      'shard_id',
      isShardId,
      'must be 1 to 256 code points without control characters',
    ),
    epoch: check.integer(record.get('epoch'), '/epoch', 0),
    attempt: check.integer(record.get('attempt'), '/attempt', 1),
    sent_at: check.text(record, 'sent_at', isDateTime, 'must be an RFC 3339 date-time'),
    seed: check.integer(record.get('seed'), '/seed', -integerMax),
    scales: scales ?? [],
    N_j: countsOf(check, record, scales),
    coh_star: check.float(record.get('coh_star'), '/coh_star'),
    v_star: directionOf(check, record),
    D_hat: check.float(record.get('D_hat'), '/D_hat'),
    r: check.float(record.get('r'), '/r'),
    budget: check.float(record.get('budget'), '/budget'),
    regime: regimeIn(check, record),
    merkle_root: check.text(
      record,
      'merkle_root',
      isMerkleRoot,
      'must be 1 to 128 lower-case hexadecimal digits',
    ),
    sig: signatureIn(record),
    ft: faultToleranceOf(check, record),
  }
  if (check.errors.length > 0) throw new MalformedRecord(check.errors, pcs.pcs_id || undefined)
  return pcs
}

/** Collects what is wrong; each check gives the value or, after telling, a stand-in that never leaves this file. */
class Check {
  readonly errors: FieldError[] = []

  tell(pointer: string, detail: string): void {
    this.errors.push({ pointer, detail })
  }

  /** Tells `detail`, or that the field is missing. */
  refuse(value: JsonValue | undefined, pointer: string, detail: string): void {
    this.tell(pointer, value === undefined ? 'is missing' : detail)
  }

  object(value: JsonValue | undefined, pointer: string): JsonObject | undefined {
    if (value instanceof Map) return value
    this.refuse(value, pointer, 'must be an object')
    return undefined
  }

  array(value: JsonValue | undefined, pointer: string): readonly JsonValue[] | undefined {
    if (Array.isArray(value)) return value
    this.refuse(value, pointer, 'must be an array')
    return undefined
  }

  text(record: JsonObject, field: string, isRight: (text: string) => boolean, detail: string): string {
    const value = record.get(field)
    if (typeof value === 'string' && isRight(value)) return value
    this.refuse(value, `/${field}`, detail)
    return ''
  }

  integer(value: JsonValue | undefined, pointer: string, min: number): number {
    if (isIntegerFrom(value, min)) return value
    this.refuse(value, pointer, `must be an integer from ${min} to ${integerMax}, without point or exponent`)
    return min
  }

  float(value: JsonValue | undefined, pointer: string): number {
    const float = value instanceof JsonNumber ? value.value : value
    if (typeof float === 'number' && Number.isFinite(float)) return float
    this.refuse(value, pointer, 'must be a finite number')
    return 0
  }
}

function isIntegerFrom(value: JsonValue | undefined, min: number): value is number {
  return typeof value === 'number' && value >= min && Number.isSafeInteger(value)
}

/** Without a count: a counted class takes a regular expression five times as long. */
const hexadecimal = /^[0-9a-f]+$/
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there.
const controlCharacter = /[\0-\x1f\x7f-\x9f]/
/** A leading zero would give one version two names. */
const minorVersion = /^0\.[1-9][0-9]*$/

function isPcsId(text: string): boolean {
  return text.length === pcsIdDigits && hexadecimal.test(text)
}

function isMerkleRoot(text: string): boolean {
  return text.length <= merkleRootDigitsMax && hexadecimal.test(text)
}

function isSchema(text: string): boolean {
  return text === pcsSchema
}

function isVersion(text: string): boolean {
  return minorVersion.test(text)
}

function isShardId(text: string): boolean {
  return text !== '' && fits(text) && !controlCharacter.test(text)
}

/** Whether a text has at most 256 code points; a code point is one or two units. */
function fits(text: string): boolean {
  if (text.length <= textCodePointsMax) return true
  return text.length <= 2 * textCodePointsMax && [...text].length <= textCodePointsMax
}

/** The scales, or undefined when any of them is wrong: then no key of N_j can be held against them. */
function scalesOf(check: Check, record: JsonObject): readonly number[] | undefined {
  const value = check.array(record.get('scales'), '/scales')
  if (value === undefined) return undefined
  const errorsBefore = check.errors.length
  if (value.length < scalesMin || value.length > scalesMax) {
    check.tell('/scales', `must hold ${scalesMin} to ${scalesMax} integers`)
  }
  const scales: number[] = []
  for (let i = 0; i < value.length && i < scalesMax; i++) {
    const scale = value[i]
    scales.push(isIntegerFrom(scale, 1) ? scale : check.integer(scale, `/scales/${i}`, 1))
  }
  return check.errors.length === errorsBefore ? scales : undefined
}

function countsOf(
  check: Check,
  record: JsonObject,
  scales: readonly number[] | undefined,
): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  const value = check.object(record.get('N_j'), '/N_j')
  if (value === undefined) return counts
  let allRight = scales !== undefined
  for (const scale of scales ?? []) {
    const key = String(scale)
    const count = value.get(key)
    if (isIntegerFrom(count, 0)) counts.set(key, count)
    else allRight = false
  }
  if (!allRight || counts.size !== value.size) tellCounts(check, value, scales)
  return counts
}

function tellCounts(check: Check, value: JsonObject, scales: readonly number[] | undefined): void {
  const due = scales && new Set(scales.map(String))
  for (const [key, count] of value) {
    // Hostile keys can be many and long: no work for what nobody will be told.
    if (check.errors.length >= fieldErrorsMax) return
    if (due?.has(key) === false)
      check.tell(pointerTo('/N_j', key), 'must be the decimal text of one of the scales')
    else if (!isIntegerFrom(count, 0)) check.integer(count, pointerTo('/N_j', key), 0)
  }
  for (const key of due ?? []) {
    if (!value.has(key)) check.tell(`/N_j/${key}`, 'is missing')
  }
}

function directionOf(check: Check, record: JsonObject): readonly [number, number, number] {
  const value = check.array(record.get('v_star'), '/v_star')
  if (value?.length === 3) {
    return [
      check.float(value[0], '/v_star/0'),
      check.float(value[1], '/v_star/1'),
      check.float(value[2], '/v_star/2'),
    ]
  }
  if (value !== undefined) check.tell('/v_star', 'must hold 3 numbers')
  return [0, 0, 0]
}

function regimeIn(check: Check, record: JsonObject): Regime {
  const value = record.get('regime')
  if (value === 'sticky' || value === 'mixed' || value === 'non_sticky') return value
  check.refuse(value, '/regime', 'must be "sticky", "mixed" or "non_sticky"')
  return 'mixed'
}

/** Whatever is wrong with `sig` is for the verification to say, so that each failure gets the same answer. */
function signatureIn(record: JsonObject): string | undefined {
  const value = record.get('sig')
  return typeof value === 'string' ? value : undefined
}

function faultToleranceOf(check: Check, record: JsonObject): FaultTolerance {
  const ft = check.object(record.get('ft'), '/ft')
  if (ft === undefined) return { outbox_seq: 0, degraded: false, fallbacks: [], clock_skew_ms: 0 }
  return {
    outbox_seq: check.integer(ft.get('outbox_seq'), '/ft/outbox_seq', 0),
    degraded: degradedIn(check, ft),
    fallbacks: fallbacksOf(check, ft),
    clock_skew_ms: check.integer(ft.get('clock_skew_ms'), '/ft/clock_skew_ms', -integerMax),
  }
}

function degradedIn(check: Check, ft: JsonObject): boolean {
  const value = ft.get('degraded')
  if (typeof value === 'boolean') return value
  check.refuse(value, '/ft/degraded', 'must be true or false')
  return false
}

function fallbacksOf(check: Check, ft: JsonObject): readonly string[] {
  const value = check.array(ft.get('fallbacks'), '/ft/fallbacks')
  if (value === undefined) return []
  if (value.length > fallbacksMax) check.tell('/ft/fallbacks', `must hold at most ${fallbacksMax} strings`)
  const fallbacks: string[] = []
  for (let i = 0; i < value.length && i < fallbacksMax; i++) {
    const fallback = value[i]
    if (typeof fallback === 'string' && fits(fallback)) fallbacks.push(fallback)
    else check.tell(`/ft/fallbacks/${i}`, `must be a string of at most ${textCodePointsMax} code points`)
  }
  return fallbacks
}
