import { dedup, type wal } from '@fractal-lba/proto'
import type { StoredVerdict } from '../store.js'

/** Who asks, and with which content. */
export interface Asker {
  readonly fingerprint: Uint8Array
  /** Undefined: the entry is not in a log yet. */
  readonly origin: wal.Position | undefined
}

/**
 * What the verdict that stands under an id is to the one who asks. Content comes first: even the entry that the
 * verdict names as its origin gets a conflict when its content is another one.
 */
export function findingOf(standing: StoredVerdict, { fingerprint, origin }: Asker): dedup.Finding {
  if (Buffer.compare(standing.fingerprint, fingerprint) !== 0) return dedup.Finding.FINDING_CONFLICT
  return sameEntry(standing.origin, origin) ? dedup.Finding.FINDING_OWN : dedup.Finding.FINDING_DUPLICATE
}

export function sameEntry(a: wal.Position, b: wal.Position | undefined): boolean {
  return a.sequence === b?.sequence && a.logId === b.logId
}
