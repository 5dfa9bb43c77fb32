import type { record } from '@fractal-lba/proto'
import type { StoredVerdict } from './store.js'

const FINGERPRINT_BYTES = 33
/** A few codes and a sentence with figures; far longer texts would only fill the store. */
const TEXT_CHARS_MAX = 8_192

export function isPcsId(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text)
}

export function isFingerprint(bytes: Uint8Array): boolean {
  return bytes.length === FINGERPRINT_BYTES
}

export function isPosition(position: record.Position | undefined): position is record.Position {
  return position !== undefined && /^[0-9a-f]{32}$/.test(position.logId) && position.sequence >= 1
}

/** Whether a verdict has all that a store must keep of it, in its form. */
export function isComplete(verdict: record.Verdict | undefined): verdict is StoredVerdict {
  if (!verdict) return false
  const { outcome, parameters, origin, fingerprint, keyId } = verdict
  if (!outcome || !parameters || !isPosition(origin)) return false
  if (!isPcsId(outcome.pcsId) || !isFingerprint(fingerprint)) return false
  const { reason = '', message = '', regime = '', params } = outcome
  return reason.length + message.length + regime.length + params.length + keyId.length <= TEXT_CHARS_MAX
}

/** Whether two messages agree in every part. Messages are plain: scalars, bytes and messages in them. */
export function sameMessage(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true
  if (a instanceof Uint8Array || b instanceof Uint8Array) {
    return a instanceof Uint8Array && b instanceof Uint8Array && Buffer.compare(a, b) === 0
  }
  if (!isMessage(a) || !isMessage(b)) return false
  const names = Object.keys(a)
  if (names.length !== Object.keys(b).length) return false
  for (const name of names) {
    const [ours, theirs] = [a[name], b[name]]
    if (ours !== theirs && !sameMessage(ours, theirs)) return false
  }
  return true
}

function isMessage(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
