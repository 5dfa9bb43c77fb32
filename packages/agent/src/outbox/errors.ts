/**
 * What the outbox refuses, by code:
 * - `full`: its limits are reached; nothing was written, try again when records have been acknowledged;
 * - `foreign_id`: the record's `pcs_id` is not the hash of its parts, so it would take another record's place;
 * - `unknown`: there is no such entry, or it is not in the state that the call is about;
 * - `damaged`: what the log holds cannot be used; the sentence says what a person can do;
 * - `missing`: there is no outbox in that directory;
 * - `busy`: it was replaced again and again while it was looked at; try again;
 * - `unsupported`: it was written by another version.
 */
export type OutboxErrorCode =
  | 'full'
  | 'foreign_id'
  | 'unknown'
  | 'damaged'
  | 'missing'
  | 'busy'
  | 'unsupported'

/** A code for programs, a sentence for people. */
export class OutboxError extends Error {
  override readonly name = 'OutboxError'
  readonly code: OutboxErrorCode

  constructor(code: OutboxErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** Whether `error` is an OutboxError of that code. */
export function isOutboxError(error: unknown, code: OutboxErrorCode): error is OutboxError {
  return error instanceof OutboxError && error.code === code
}
