/** What is wrong with one place of a record. */
export interface FieldError {
  /** JSON Pointer (RFC 6901) to the place, '' for the whole text; printable ASCII, at most 128 characters. */
  readonly pointer: string
  /** A sentence about the rule that was broken; never holds text of the record. */
  readonly detail: string
}

/** How many errors of one record are told; the rest is left out (docs/contract.md, section 5). */
export const fieldErrorsMax = 100

const pointerCharactersMax = 128
const cutMark = '...'

/** A record that breaks sections 1 or 6 of docs/contract.md: a 400 or INVALID_ARGUMENT. */
export class MalformedRecord extends Error {
  override readonly name = 'MalformedRecord'
  readonly errors: readonly FieldError[]
  /** What stands in its place, where that has the right form. */
  readonly pcsId: string | undefined

  /** @param errors at least one; those beyond the first 100 are dropped. */
  constructor(errors: readonly FieldError[], pcsId?: string) {
    const told = errors.slice(0, fieldErrorsMax)
    super(`malformed record: ${told.length === 1 ? '1 error' : `${told.length} errors`}`)
    this.errors = told
    this.pcsId = pcsId
  }
}

/**
 * A JSON Pointer whose last token came from outside. RFC 6901's own escapes (`~0`, `~1`) come first; then every
 * character that could forge a log line or break out of a quotation is percent-encoded as UTF-8, as in the
 * pointer's URI form. What is too long is cut between two characters and ends in `...`.
 */
export function pointerTo(parent: string, key: string): string {
  const room = pointerCharactersMax - parent.length - 1
  let token = ''
  let cut = ''
  for (const character of key) {
    if (token.length + cutMark.length <= room) cut = token
    token += escapePointerCharacter(character)
    if (token.length > room) return `${parent}/${cut}${cutMark}`
  }
  return `${parent}/${token}`
}

function escapePointerCharacter(character: string): string {
  if (character === '~') return '~0'
  if (character === '/') return '~1'
  if (/^[A-Za-z0-9_.+-]$/.test(character)) return character
  let encoded = ''
  for (const byte of Buffer.from(character)) {
    encoded += `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return encoded
}
