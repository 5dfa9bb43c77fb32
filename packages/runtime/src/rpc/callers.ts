import { dnsNames } from '@fractal-lba/credentials'
import {
  Metadata,
  ServerInterceptingCall,
  type ServerInterceptor,
  ServerListenerBuilder,
  status,
} from '@grpc/grpc-js'
import { type Role, roles, type ServiceName, topology } from '../topology.js'
import { nameOf } from './method.js'
import type { MutualTls } from './security.js'

/** What a certificate with these names stands for. */
export function rolesOf(names: readonly string[], namesOf: MutualTls['namesOf']): readonly Role[] {
  return roles.filter((role) => namesOf(role).some((name) => names.includes(name)))
}

/** Whether one of these may call a method of a service. */
export function mayCall(held: readonly Role[], service: ServiceName, method: string): boolean {
  const { callers } = topology[service]
  return held.some((role) => callers[role]?.includes(method))
}

/** Refuses the calls of those whose certificate may not make them, before anything of them is read. */
export function checkCallers(
  service: ServiceName,
  { namesOf, refusals }: Pick<MutualTls, 'namesOf' | 'refusals'>,
): ServerInterceptor {
  const { protoService } = topology[service]
  return ({ path }, call) => {
    const { service: called, method } = nameOf({ path })
    if (called !== protoService) return new ServerInterceptingCall(call)
    const names = dnsNames(call.getAuthContext().sslPeerCertificate?.subjectaltname)
    const held = rolesOf(names, namesOf)
    if (mayCall(held, service, method)) return new ServerInterceptingCall(call)
    refusals.call(method, held[0], names)
    const refuse = new ServerListenerBuilder()
      .withOnReceiveMetadata(() => {
        call.sendStatus({
          code: status.PERMISSION_DENIED,
          details: `the certificate of the caller does not let it call ${method} of ${service}`,
          metadata: new Metadata(),
        })
      })
      .build()
    return new ServerInterceptingCall(call, { start: (next) => next(refuse) })
  }
}
