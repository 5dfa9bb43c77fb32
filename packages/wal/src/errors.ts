/**
 * What can go wrong, by code:
 * - `locked`: another live process holds the log;
 * - `failed`: a write or a flush failed; nothing after it was acknowledged and the process must end;
 * - `queue_full`: more is waiting than the limits allow; try later;
 * - `out_of_space`: no room for a new segment; a refusal, the log goes on by itself when there is room;
 * - `too_large`: a record, or the records of one call, exceed the limits;
 * - `closed`: the log was closed;
 * - `damaged`: bytes on the disk are not what was written, and the call cannot go round them;
 * - `unsupported`: the log was written by a newer version of this format;
 * - `invalid`: an argument or an option is wrong.
 */
export type WalErrorCode =
  | 'locked'
  | 'failed'
  | 'queue_full'
  | 'out_of_space'
  | 'too_large'
  | 'closed'
  | 'damaged'
  | 'unsupported'
  | 'invalid'

/** The one error of this package: a code for programs, a sentence that says what to do for people. */
export class WalError extends Error {
  readonly code: WalErrorCode

  constructor(code: WalErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'WalError'
    this.code = code
  }
}

/** Whether `error` is a WalError, of that code if one is given. */
export function isWalError(error: unknown, code?: WalErrorCode): error is WalError {
  return error instanceof WalError && (code === undefined || error.code === code)
}

/** The code of a system call's error (`ENOSPC`), if it is one. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

/** Whether a system call failed because there is no room: disk full, quota, or the file-size limit. */
export function isNoSpace(error: unknown): boolean {
  const code = systemCode(error)
  return code === 'ENOSPC' || code === 'EFBIG' || code === 'EDQUOT'
}

/** Anything thrown, as an Error. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown))
}
