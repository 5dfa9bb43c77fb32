import { type ChannelCredentials, credentials, ServerCredentials } from '@grpc/grpc-js'

/** How the two ends of a connection know each other and keep others out. */
export type Security = Insecure

/** Neither encrypted nor authenticated: for the loopback, or a network that does both. */
export interface Insecure {
  readonly kind: 'insecure'
}

export const insecure: Security = { kind: 'insecure' }

export function clientCredentials({ kind }: Security): ChannelCredentials {
  switch (kind) {
    case 'insecure':
      return credentials.createInsecure()
  }
}

export function serverCredentials({ kind }: Security): ServerCredentials {
  switch (kind) {
    case 'insecure':
      return ServerCredentials.createInsecure()
  }
}
