// What the bench builds its variants from; nothing else imports the gateway.
export { startGateway } from './app.js'
export type { Connect, Connections } from './clients/connect.js'
export type { DedupClient } from './clients/dedup.js'
export type { ScoringClient } from './clients/scoring.js'
export type { VerifierClient } from './clients/verifier.js'
export type { WalClient } from './clients/wal.js'
export { type GatewayConfig, readGatewayConfig, type ServiceAddresses } from './config.js'
