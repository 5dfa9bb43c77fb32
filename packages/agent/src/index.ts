/** The library of agents: build, sign and submit a record, or keep it in an outbox until it is judged. */
export { ed25519PrivateKey, hmacKey, type Pcs, verifySignature } from '@fractal-lba/pcs'
export * from './delivery/index.js'
export { type Exchange, NoAnswer } from './exchange.js'
export * from './outbox/index.js'
export * from './record/index.js'
export * from './submit.js'
