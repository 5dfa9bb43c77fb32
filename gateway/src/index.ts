export { startGateway } from './app.js'
export { type GatewayConfig, readGatewayConfig, type ServiceAddresses } from './config.js'
