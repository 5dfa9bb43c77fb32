import type { BatchLimits } from '@fractal-lba/runtime'
import type { ServiceAddresses } from '../config.js'
import { connectDedup, type DedupClient } from './dedup.js'
import { connectScoring, type ScoringClient } from './scoring.js'
import { connectVerifier, type VerifierClient } from './verifier.js'
import { connectWal, type WalClient } from './wal.js'

/** The gateway's ends of everything behind it. */
export interface Connections {
  readonly wals: readonly WalClient[]
  readonly verifier: VerifierClient
  readonly scoring: ScoringClient
  readonly dedup: DedupClient
}

export type Connect = (addresses: ServiceAddresses, hop: BatchLimits) => Connections

/** Streams of batches to every service. */
export const connectBatched: Connect = (addresses, hop) => ({
  wals: addresses.wal.map((address) => connectWal(address, hop)),
  verifier: connectVerifier(addresses.verifier, hop),
  scoring: connectScoring(addresses.scoring, hop),
  dedup: connectDedup(addresses.dedup, hop),
})
