import { type Client, credentials, makeClientConstructor } from '@grpc/grpc-js'
import { service as healthService } from 'grpc-health-check'
import { fromServiceError } from '../errors.js'
import { clientOptions } from './limits.js'

export interface HealthClient {
  /** Whether the server says that it is serving; false also when it says nothing in time. */
  isServing(timeoutMs: number): Promise<boolean>
  close(): void
}

interface HealthCheckResponse {
  readonly status: string
}

/** Asks a server's grpc.health.v1 about the server as a whole. */
export function connectHealth(address: string): HealthClient {
  const HealthService = makeClientConstructor(healthService, 'grpc.health.v1.Health')
  const client: Client = new HealthService(address, credentials.createInsecure(), clientOptions)
  const method = healthService.Check
  return {
    async isServing(timeoutMs) {
      if (!method) return false
      try {
        const response = await new Promise<HealthCheckResponse | undefined>((resolve, reject) => {
          client.makeUnaryRequest(
            method.path,
            method.requestSerialize,
            method.responseDeserialize as (bytes: Buffer) => HealthCheckResponse,
            { service: '' },
            { deadline: Date.now() + timeoutMs },
            (error, value) => (error ? reject(fromServiceError(error)) : resolve(value)),
          )
        })
        return response?.status === 'SERVING'
      } catch {
        // Whatever went wrong, it did not say that it is serving: that is the answer.
        return false
      }
    },
    close: () => client.close(),
  }
}
