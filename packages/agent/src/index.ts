export * from './delivery/index.js'
export * from './outbox/index.js'
export * from './record/index.js'
