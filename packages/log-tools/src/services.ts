/** Running services, asked over gRPC by their own calls. */
export * from './dedup-service.js'
export * from './replay-watch.js'
export { ServiceCallError } from './service-calls.js'
export * from './store-comparison.js'
export * from './tools-context.js'
export * from './wal-service.js'
