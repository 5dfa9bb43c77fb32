import type { FastifyInstance } from 'fastify'
import type { Refusal } from './admission.js'

/** What all answers of one route have in common. */
export interface Route {
  /** Its pattern; the label in metrics. */
  readonly label: string
  /** Header fields of its every answer: name, value, name, value. */
  readonly fields?: () => readonly string[]
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Monotonic milliseconds. */
    startedMs: number
    /** Undefined until a route has taken the request. */
    route: Route | undefined
    /** While the body is being read: ends that with a refusal. */
    stopReading: ((refusal: Refusal) => void) | undefined
    /** The connection cannot be used after this request. */
    closeAfter: boolean
  }
}

export function decorateRequests(app: FastifyInstance): void {
  app.decorateRequest('startedMs', 0)
  app.decorateRequest('route', undefined)
  app.decorateRequest('stopReading', undefined)
  app.decorateRequest('closeAfter', false)
}
