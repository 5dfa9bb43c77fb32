import { grpcTransport } from './grpc-transport.js'
import { inProcessTransport } from './in-process-transport.js'
import { mutualTls } from './testing/mutual-tls.js'
import { transportContract } from './transports.contract.js'

transportContract('gRPC', () => grpcTransport)
transportContract('plain calls', inProcessTransport)
transportContract(
  'gRPC with mutual TLS',
  () => grpcTransport,
  () => mutualTls({ names: ['gateway', 'dedup', 'wal', 'verifier'] }),
)
