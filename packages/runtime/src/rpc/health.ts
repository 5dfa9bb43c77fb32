import { service } from 'grpc-health-check'
import type { MethodDefinition } from './method.js'

const { Check } = service
if (!Check) throw new Error('grpc-health-check has no Check')

/** grpc.health.v1.Health/Check: of the server as a whole when the service is ''. */
export const healthCheck: MethodDefinition = Check

export const HEALTH_SERVICE = 'grpc.health.v1.Health'

export const EVERYTHING = { service: '' }

export function healthAnswer(isServing: boolean): { readonly status: string } {
  return { status: isServing ? 'SERVING' : 'NOT_SERVING' }
}

/** @param response a HealthCheckResponse */
export function saysServing(response: unknown): boolean {
  return (
    typeof response === 'object' && response !== null && 'status' in response && response.status === 'SERVING'
  )
}
