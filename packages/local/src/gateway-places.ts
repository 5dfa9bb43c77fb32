import { grpcPort, localPlainOpsAddress } from '@fractal-lba/runtime'
import { type Environment, reachableHost } from './environment.js'

/** Where a gateway of this machine is reached. */
export interface GatewayPlaces {
  /** Of its HTTP, without a slash at the end. */
  readonly baseUrl: string
  /** host:port of its gRPC. */
  readonly grpcAddress: string
  /** Where /ready is in plain HTTP, without a slash at the end. */
  readonly probeUrl: string
}

/** @param env what the gateway is told */
export function gatewayPlaces(port: number, env: Environment): GatewayPlaces {
  const host = reachableHost(env.HOST)
  const hasTls = ['true', '1'].includes(env.TLS_ENABLED ?? '') || Boolean(env.PUBLIC_TLS_CERT_FILE)
  const baseUrl = `${hasTls ? 'https' : 'http'}://${host}:${port}`
  return {
    baseUrl,
    grpcAddress: `${host}:${grpcPort('gateway', port)}`,
    probeUrl: hasTls ? `http://${env.METRICS_ADDR || localPlainOpsAddress(port)}` : baseUrl,
  }
}
