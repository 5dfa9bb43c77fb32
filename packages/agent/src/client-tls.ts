import { readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import type { Env } from '@fractal-lba/runtime/env'

/** How a client proves itself and whom it believes, as PEM texts. */
export interface ClientTls {
  /** The authorities that the gateway must be signed by; without it those that Node knows. */
  readonly ca?: string
  /** The client's certificate and its key; both or none. */
  readonly cert?: string
  readonly key?: string
}

/** `TLS_CA_FILE`, `TLS_CERT_FILE` and `TLS_KEY_FILE`. */
export function readClientTls(env: Env): ClientTls {
  const ca = readPem(env, 'TLS_CA_FILE')
  const cert = readPem(env, 'TLS_CERT_FILE')
  const key = readPem(env, 'TLS_KEY_FILE')
  if ((env.optional('TLS_CERT_FILE') === undefined) !== (env.optional('TLS_KEY_FILE') === undefined)) {
    env.mistake('TLS_CERT_FILE and TLS_KEY_FILE must be set both or not at all')
  }
  const tls = {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && key !== undefined && { cert, key }),
  }
  try {
    createSecureContext(tls)
  } catch {
    // The error of OpenSSL may quote what it has read.
    env.mistake(
      'TLS_CA_FILE, TLS_CERT_FILE and TLS_KEY_FILE cannot be used together: one is damaged or of another key',
    )
  }
  return tls
}

function readPem(env: Env, name: string): string | undefined {
  const file = env.optional(name)
  if (file === undefined) return undefined
  try {
    const text = readFileSync(file, 'utf8')
    if (text.includes('-----BEGIN ')) return text
    env.mistake(`${name} names a file that is not PEM`)
  } catch (error) {
    env.mistake(
      `${name} cannot be read: ${error instanceof Error && 'code' in error ? error.code : String(error)}`,
    )
  }
  return undefined
}
