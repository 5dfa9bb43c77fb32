import type { FastifyReply, FastifyRequest } from 'fastify'

/** One path and what serves it; HEAD is served as GET. */
export interface RouteDefinition {
  readonly method: 'GET' | 'POST'
  /** Fastify's pattern, which is the label in metrics too. */
  readonly url: string
  /** Which paths are meant, where the pattern takes more than those. */
  readonly only?: RegExp
  /** Header fields of its every answer, whatever it is: name, value, name, value. */
  readonly fields?: () => readonly string[]
  /** Answers through Answers, now or later; never throws for what a client can cause. */
  readonly handle: (request: FastifyRequest, reply: FastifyReply) => void
}

/** The route that a path belongs to, by whatever method. */
export function routeOf(routes: readonly RouteDefinition[], url: string): RouteDefinition | undefined {
  const path = decodedPath(url)
  return routes.find((route) => (route.only ? route.only.test(path) : route.url === path))
}

/** The value of the header Allow. */
export function allowed({ method }: RouteDefinition): string {
  return method === 'GET' ? 'GET, HEAD' : method
}

function decodedPath(url: string): string {
  const path = url.split(/[?#]/, 1)[0] ?? ''
  try {
    return decodeURIComponent(path)
  } catch {
    // Not valid percent-encoding, so not a path of ours either.
    return path
  }
}
