export { startGateway } from './app.js'
export { type GatewayConfig, readGatewayConfig, type ServiceAddresses } from './config.js'
export { REQUEST_BYTES_MAX, recordsOf } from './grpc/ingest-service.js'
