import { createServer as createPlainServer, type Server as NetServer, type Socket } from 'node:net'

import {
  createServer as createTlsServer,
  type SecureContextOptions,
  type TLSSocket,
  type TlsOptions,
  type Server as TlsServer,
} from 'node:tls'

import type { Identity, IdentitySource } from '@fractal-lba/credentials'
import { type Server, ServerCredentials } from '@grpc/grpc-js'
import { parseAddress } from '../env.js'
import type { Refusals, RefusedConnection } from './security.js'

/** What a server shows to its clients. */
export interface ServerTls {
  readonly identity: IdentitySource
  /** Whether clients must show a certificate too, signed by an authority of the identity. */
  readonly asksForCertificates: boolean
  readonly refusals: Pick<Refusals, 'connection'>
  readonly onSecure?: (socket: TLSSocket) => void
}

export interface ListenOptions {
  /** Undefined: as many as the system lets in. */
  readonly connectionsMax?: number
  readonly onDropped?: () => void
  /** Told of each connection first; one that it destroys gets no further. */
  readonly onConnection?: ((socket: Socket) => void) | undefined
  readonly tls: ServerTls | undefined
}

export interface Listener {
  readonly port: number
  /** Takes no more connections; those that are open are the server's. */
  close(): void
}

const HANDSHAKE_TIMEOUT_MS = 5_000

/**
 * Listens for a gRPC server, and hands it each connection once it is secure. Not left to the server itself: it has
 * no limit for its connections, says nothing of a handshake that fails, and changes its certificate by an interface
 * that is not stable.
 * @throws Error where it cannot listen
 */
export function listen(server: Server, address: string, options: ListenOptions): Promise<Listener> {
  // The connection is secure by then, if it has to be: what follows on it is plain HTTP/2.
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure())
  const take = (socket: Socket): void => {
    if (!socket.destroyed) injector.injectConnection(socket)
  }
  const { tls, connectionsMax, onDropped, onConnection } = options
  const listener = tls ? tlsListener(tls, take) : createPlainServer({ noDelay: true }, take)
  if (connectionsMax !== undefined) listener.maxConnections = connectionsMax
  if (onDropped) listener.on('drop', onDropped)
  if (onConnection) listener.prependListener('connection', onConnection)
  return new Promise((resolve, reject) => {
    listener.once('error', reject)
    listener.listen(parseAddress(address), () => {
      listener.off('error', reject)
      resolve({ port: portOf(listener), close: () => listener.close() })
    })
  })
}

function tlsListener(tls: ServerTls, take: (socket: Socket) => void): TlsServer {
  const listener = createTlsServer({ ...tlsOptions(tls), ALPNProtocols: ['h2'], noDelay: true }, (socket) => {
    // HTTP/2 hears the errors of a connection that it has; this one may end before.
    socket.on('error', () => socket.destroy())
    tls.onSecure?.(socket)
    take(socket)
  })
  followTls(listener, tls)
  return listener
}

/** How a server of `node:tls` or `node:https` is made. */
export function tlsOptions({ identity, asksForCertificates }: ServerTls): TlsOptions {
  return {
    ...secureContextOf(identity.current),
    minVersion: 'TLSv1.2',
    requestCert: asksForCertificates,
    rejectUnauthorized: asksForCertificates,
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
  }
}

/** Gives new connections the identity of their time, and tells of those that fail. */
export function followTls(server: TlsServer, { identity, refusals }: ServerTls): void {
  // Read once, a socket keeps its address, also when it is destroyed.
  server.on('connection', (socket) => void socket.remoteAddress)
  server.on('tlsClientError', (error, socket) => {
    refusals.connection(reasonOf(error, socket), addressOf(socket) ?? 'an unknown address')
  })
  const stopFollowing = identity.onChange((next) => server.setSecureContext(secureContextOf(next)))
  server.on('close', stopFollowing)
}

/** @param identity whose parts fit: setSecureContext throws nothing for them */
function secureContextOf({ cert, key, ca }: Identity): SecureContextOptions {
  return ca === undefined ? { cert, key } : { cert, key, ca }
}

/** The secure socket has none any more after some failures; the one below it, which Node has in a field of its own, has. */
function addressOf(socket: TLSSocket & { readonly _parent?: Socket }): string | undefined {
  return socket.remoteAddress ?? socket._parent?.remoteAddress
}

/** Why a handshake failed, as OpenSSL or Node say it. */
function reasonOf(error: Error, { authorizationError }: TLSSocket): RefusedConnection {
  const code = String(authorizationError ?? ('code' in error ? error.code : ''))
  switch (code) {
    case 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE':
      return 'no_certificate'
    case 'CERT_HAS_EXPIRED':
    case 'CERT_NOT_YET_VALID':
      return 'not_in_its_time'
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'CERT_SIGNATURE_FAILURE':
      return 'unknown_authority'
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
    case 'ERR_SSL_HTTP_REQUEST':
      return 'no_tls'
    default:
      return 'other'
  }
}

function portOf(listener: NetServer): number {
  const bound = listener.address()
  return typeof bound === 'object' && bound ? bound.port : 0
}
