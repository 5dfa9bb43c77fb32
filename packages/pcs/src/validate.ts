import { isDateTime } from './date-time.js'
import { type FieldError, fieldErrorsMax, MalformedRecord, pointerTo } from './errors.js'
import { JsonNumber, type JsonObject, type JsonValue, parseJson } from './json.js'
import type { FaultTolerance, Pcs, Regime } from './record.js'

export const pcsSchema = 'fractal-lba-kakeya'
/** The version of this contract; a newer MINOR is taken. */
export const pcsVersion = '0.1'

const integerMax = Number.MAX_SAFE_INTEGER
const scalesMin = 2
const scalesMax = 64
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
    pcs_id: check.form(record, 'pcs_id', /^[0-9a-f]{64}$/, 'must be 64 lower-case hexadecimal digits'),
    schema: check.form(record, 'schema', /^fractal-lba-kakeya$/, `must be "${pcsSchema}"`),
    version: check.form(
      record,
      'version',
      /^0\.[1-9][0-9]*$/,
      `must be "${pcsVersion}" or a newer minor version of it`,
    ),
    shard_id: shardIdOf(check, record),
    epoch: check.integer(record.get('epoch'), '/epoch', 0),
    attempt: check.integer(record.get('attempt'), '/attempt', 1),
    sent_at: sentAtOf(check, record),
    seed: check.integer(record.get('seed'), '/seed', -integerMax),
    scales: scales ?? [],
    N_j: countsOf(check, record, scales),
    coh_star: check.float(record.get('coh_star'), '/coh_star'),
    v_star: directionOf(check, record),
    D_hat: check.float(record.get('D_hat'), '/D_hat'),
    r: check.float(record.get('r'), '/r'),
    budget: check.float(record.get('budget'), '/budget'),
    regime: regimeIn(check, record),
    merkle_root: check.form(
      record,
      'merkle_root',
      /^[0-9a-f]{1,128}$/,
      'must be 1 to 128 lower-case hexadecimal digits',
    ),
    sig: signatureIn(record),
    ft: faultToleranceOf(check, record),
  }
  if (check.errors.length > 0) throw new MalformedRecord(check.errors)
  return pcs
}

/** Collects what is wrong; each check gives the value or, after telling, a stand-in that never leaves this file. */
class Check {
  readonly errors: FieldError[] = []

  tell(pointer: string, detail: string): void {
    if (this.errors.length < fieldErrorsMax) this.errors.push({ pointer, detail })
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

  form(record: JsonObject, field: string, form: RegExp, detail: string): string {
    const value = record.get(field)
    if (typeof value === 'string' && form.test(value)) return value
    this.refuse(value, `/${field}`, detail)
    return ''
  }

  integer(value: JsonValue | undefined, pointer: string, min: number): number {
    if (typeof value === 'number' && value >= min && Number.isSafeInteger(value)) return value
    this.refuse(value, pointer, `must be an integer from ${min} to ${integerMax}, without point or exponent`)
    return 0
  }

  float(value: JsonValue | undefined, pointer: string): number {
    if (typeof value === 'number' && Number.isFinite(value)) return value
    if (value instanceof JsonNumber && Number.isFinite(value.value)) return value.value
    this.refuse(value, pointer, 'must be a finite number')
    return 0
  }
}

function shardIdOf(check: Check, record: JsonObject): string {
  const value = record.get('shard_id')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there.
  if (typeof value === 'string' && value !== '' && fits(value) && !/[\0-\x1f\x7f-\x9f]/.test(value))
    return value
  check.refuse(value, '/shard_id', 'must be a string of 1 to 256 code points without control characters')
  return ''
}

function sentAtOf(check: Check, record: JsonObject): string {
  const value = record.get('sent_at')
  if (typeof value === 'string' && isDateTime(value)) return value
  check.refuse(value, '/sent_at', 'must be an RFC 3339 date-time')
  return ''
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
    scales.push(check.integer(value[i], `/scales/${i}`, 1))
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
  const due = scales && new Set(scales.map(String))
  for (const [key, count] of value) {
    if (check.errors.length >= fieldErrorsMax) break
    if (due !== undefined && !due.has(key)) {
      check.tell(pointerTo('/N_j', key), 'must be the decimal text of one of the scales')
    } else if (typeof count === 'number' && count >= 0 && Number.isSafeInteger(count)) {
      counts.set(key, count)
    } else {
      check.integer(count, pointerTo('/N_j', key), 0)
    }
  }
  for (const key of due ?? []) {
    if (!value.has(key)) check.tell(`/N_j/${key}`, 'is missing')
  }
  return counts
}

function directionOf(check: Check, record: JsonObject): readonly [number, number, number] {
  const value = check.array(record.get('v_star'), '/v_star')
  if (value === undefined) return [0, 0, 0]
  if (value.length !== 3) {
    check.tell('/v_star', 'must hold 3 numbers')
    return [0, 0, 0]
  }
  return [
    check.float(value[0], '/v_star/0'),
    check.float(value[1], '/v_star/1'),
    check.float(value[2], '/v_star/2'),
  ]
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
  const value = check.object(record.get('ft'), '/ft')
  if (value === undefined) return { outbox_seq: 0, degraded: false, fallbacks: [], clock_skew_ms: 0 }
  return {
    outbox_seq: check.integer(value.get('outbox_seq'), '/ft/outbox_seq', 0),
    degraded: degradedIn(check, value),
    fallbacks: fallbacksOf(check, value),
    clock_skew_ms: check.integer(value.get('clock_skew_ms'), '/ft/clock_skew_ms', -integerMax),
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
  const fallbacks: string[] = []
  if (value === undefined) return fallbacks
  if (value.length > fallbacksMax) check.tell('/ft/fallbacks', `must hold at most ${fallbacksMax} strings`)
  for (let i = 0; i < value.length && i < fallbacksMax; i++) {
    const item = value[i]
    if (typeof item === 'string' && fits(item)) fallbacks.push(item)
    else check.tell(`/ft/fallbacks/${i}`, `must be a string of at most ${textCodePointsMax} code points`)
  }
  return fallbacks
}

/** Whether a text has at most 256 code points; a code point is one or two units. */
function fits(text: string): boolean {
  if (text.length <= textCodePointsMax) return true
  if (text.length > 2 * textCodePointsMax) return false
  let codePoints = 0
  for (const _ of text) codePoints++
  return codePoints <= textCodePointsMax
}
