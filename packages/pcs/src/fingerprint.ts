import { hash } from 'node:crypto'
import { type CanonicalFields, fingerprintText } from './canonical.js'
import type { FingerprintFields } from './record.js'

/** The first byte of a fingerprint: the version of the text that it was made from. */
export const fingerprintVersion = 0x01

/** The 33 bytes that are stored: the version, then the SHA-256 of the fingerprint text. */
export function fingerprint(pcs: FingerprintFields, texts?: CanonicalFields): Buffer {
  const bytes = Buffer.allocUnsafe(33)
  bytes[0] = fingerprintVersion
  bytes.write(hash('sha256', fingerprintText(pcs, texts), 'binary'), 1, 'latin1')
  return bytes
}
