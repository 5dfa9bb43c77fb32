import { dedup, type record } from '@fractal-lba/proto'
import type { StoredVerdict } from '../store.js'

/** A record that is compared with the verdict that stands under its id. */
export interface Candidate {
  readonly fingerprint: Uint8Array
  /** Its position in a log; undefined while it has none. */
  readonly origin: record.Position | undefined
}

/**
 * Compares a record with the verdict that stands under its id: the record's own verdict, that of a duplicate, or a
 * conflict. The content decides first: another content is a conflict even at the position that the verdict names.
 */
export function classify(standing: StoredVerdict, { fingerprint, origin }: Candidate): dedup.Finding {
  if (Buffer.compare(standing.fingerprint, fingerprint) !== 0) return dedup.Finding.FINDING_CONFLICT
  return samePosition(standing.origin, origin) ? dedup.Finding.FINDING_OWN : dedup.Finding.FINDING_DUPLICATE
}

export function samePosition(a: record.Position, b: record.Position | undefined): boolean {
  return a.sequence === b?.sequence && a.logId === b.logId
}
