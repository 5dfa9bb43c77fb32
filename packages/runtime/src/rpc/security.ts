import { checkServerIdentity as checkHostName, type TLSSocket } from 'node:tls'
import { type IdentitySource, isNamed } from '@fractal-lba/credentials'
import { type ChannelCredentials, type ChannelOptions, credentials, experimental } from '@grpc/grpc-js'
import type { Role, ServiceName } from '../topology.js'

/** How the two ends of a connection know each other and keep others out. */
export type Security = Insecure | MutualTls

/** Neither encrypted nor authenticated: for the loopback, or a network that does both. */
export interface Insecure {
  readonly kind: 'insecure'
}

/** Both ends show a certificate of the same authority that names what they are. */
export interface MutualTls {
  readonly kind: 'mtls'
  readonly identity: IdentitySource
  /** The DNS names that a certificate has for a role: the role itself unless told otherwise. */
  readonly namesOf: (role: Role) => readonly string[]
  readonly refusals: Refusals
  /** Told of each connection that a server has let in. */
  readonly onSecure?: (socket: TLSSocket) => void
}

/** What a server is told of those that it does not let in. */
export interface Refusals {
  /** A connection that did not get through the handshake. @param reason one of a few */
  connection(reason: RefusedConnection, from: string): void
  /** A call by a certificate that may not make it. @param caller undefined: it stands for nobody here */
  call(method: string, caller: Role | undefined, names: readonly string[]): void
}

export const refusedConnections = [
  'no_certificate',
  'unknown_authority',
  'not_in_its_time',
  'no_tls',
  'other',
] as const
export type RefusedConnection = (typeof refusedConnections)[number]

export const insecure: Security = { kind: 'insecure' }

/** What a client brings to each connection with one service. */
export interface ClientSecurity {
  readonly credentials: () => ChannelCredentials
  readonly options: ChannelOptions
}

const PLAIN: ClientSecurity = { credentials: () => credentials.createInsecure(), options: {} }

/** @param server undefined: one that is no service of the topology, and is asked for by nothing but its host name */
export function towards(security: Security, server: ServiceName | undefined): ClientSecurity {
  if (security.kind === 'insecure') return PLAIN
  const { identity, namesOf } = security
  const names = server === undefined ? [] : namesOf(server)
  const checkServerIdentity: typeof checkHostName = (host, certificate) => {
    if (server === undefined) return checkHostName(host, certificate)
    if (isNamed(certificate.subjectaltname, names)) return undefined
    return new Error(`the certificate does not name ${names.join(' or ')}`)
  }
  const provider = certificateProvider(identity)
  return {
    // One for each channel: it lets go of its identity when the channel is closed.
    credentials: () =>
      experimental.createCertificateProviderChannelCredentials(provider, provider, { checkServerIdentity }),
    // A server may be reached by its address; no certificate names that, and TLS asks for no address by name.
    options: names[0] === undefined ? {} : { 'grpc.ssl_target_name_override': names[0] },
  }
}

/** Calls back when connections that exist show a certificate that is no more. Returns the way back. */
export function followIdentity(security: Security, changed: () => void): () => void {
  return security.kind === 'mtls' ? security.identity.onChange(changed) : () => undefined
}

type IdentityListener = Parameters<experimental.CertificateProvider['addIdentityCertificateListener']>[0]
type CaListener = Parameters<experimental.CertificateProvider['addCaCertificateListener']>[0]

/** The only way in which grpc-js 1.14 changes the credentials of a channel that exists. */
function certificateProvider(identity: IdentitySource): experimental.CertificateProvider {
  const identityListeners = new Map<IdentityListener, () => void>()
  const caListeners = new Map<CaListener, () => void>()
  const tellIdentity = (listener: IdentityListener): void => {
    const { cert, key } = identity.current
    listener({ certificate: cert, privateKey: key })
  }
  const tellCa = (listener: CaListener): void => {
    const { ca } = identity.current
    listener(ca === undefined ? null : { caCertificate: ca })
  }
  return {
    addIdentityCertificateListener(listener) {
      identityListeners.set(
        listener,
        identity.onChange(() => tellIdentity(listener)),
      )
      tellIdentity(listener)
    },
    removeIdentityCertificateListener(listener) {
      identityListeners.get(listener)?.()
      identityListeners.delete(listener)
    },
    addCaCertificateListener(listener) {
      caListeners.set(
        listener,
        identity.onChange(() => tellCa(listener)),
      )
      tellCa(listener)
    },
    removeCaCertificateListener(listener) {
      caListeners.get(listener)?.()
      caListeners.delete(listener)
    },
  }
}
