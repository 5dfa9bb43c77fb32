import type { Socket } from 'node:net'
import type { Work } from '@fractal-lba/runtime'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { BodyReader } from './body.js'

/** What all answers of one route have in common. */
export interface Route {
  /** Its pattern; the label in metrics. */
  readonly label: string
  /** Header fields of its every answer: name, value, name, value. */
  readonly fields?: () => readonly string[]
}

/** What is under way on one connection; clients may send several requests before the first is answered. */
export interface ConnectionState {
  unanswered: number
  /** The latest request, answered or not. */
  last: FastifyRequest | undefined
  /** Its next answer is its last one. */
  ending: boolean
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Monotonic milliseconds. */
    startedMs: number
    connection: ConnectionState
    answered: boolean
    /** Undefined until a route has taken the request. */
    route: Route | undefined
    /** Undefined where nobody wants the body. */
    reader: BodyReader | undefined
    /** What counts as one client; empty until a submission has begun. */
    client: string
    /** Undefined where it is no submission, or nobody wants traces. */
    trace: Work | undefined
  }
}

const connections = new WeakMap<Socket, ConnectionState>()

export function connectionOf(socket: Socket): ConnectionState {
  const known = connections.get(socket)
  if (known) return known
  const state = { unanswered: 0, last: undefined, ending: false }
  connections.set(socket, state)
  return state
}

/** Fastify wants to know beforehand what requests carry, so that all have one shape. */
export function decorateRequests(app: FastifyInstance): void {
  app.decorateRequest('startedMs', 0)
  app.decorateRequest('connection')
  app.decorateRequest('answered', false)
  app.decorateRequest('route', undefined)
  app.decorateRequest('reader', undefined)
  app.decorateRequest('client', '')
  app.decorateRequest('trace', undefined)
}
