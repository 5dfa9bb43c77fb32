import type { HopLimits, RpcContext } from '@fractal-lba/runtime'
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

/** Connects when it is first used. */
export function connectServices(
  addresses: ServiceAddresses,
  hop: HopLimits,
  context: RpcContext,
): Connections {
  return {
    wals: addresses.wal.map((address) => connectWal(address, hop, context)),
    verifier: connectVerifier(addresses.verifier, hop, context),
    scoring: connectScoring(addresses.scoring, hop, context),
    dedup: connectDedup(addresses.dedup, hop, context),
  }
}
