import { type Arguments, wholeNumber } from './arguments.js'
import { usageError } from './failure.js'

/** Integers of a record: exact as doubles. */
export const INTEGER_MAX = Number.MAX_SAFE_INTEGER
export const SCALES_MAX = 64

/** @throws Failure when `--scales` is given, but is no list of scales */
export function scalesFrom(given: Arguments): number[] | undefined {
  const parts = given.text('scales')?.split(',')
  if (parts === undefined) return undefined
  if (parts.length > SCALES_MAX) throw usageError(`--scales takes up to ${SCALES_MAX} scales`)
  return parts.map((part) => wholeNumber(part.trim(), 'each of --scales', { min: 1, max: INTEGER_MAX }))
}
