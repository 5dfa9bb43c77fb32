import { grpcTransport } from './grpc-transport.js'
import { inProcessTransport } from './in-process-transport.js'
import { transportContract } from './transports.contract.js'

transportContract('gRPC', () => grpcTransport)
transportContract('plain calls', inProcessTransport)
