import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'
import { FileError, unreadable, Watched, type WatchedOptions } from './watched.js'

/** Paths of PEM files. */
export interface IdentityFiles {
  /** The certificate, with those between it and its authority. */
  readonly certFile: string
  readonly keyFile: string
  /** The authorities that the other end must be signed by; those that Node knows where there is none. */
  readonly caFile?: string | undefined
}

/** A certificate with the key that fits it, and whom its owner believes. */
export interface Identity {
  readonly cert: Buffer
  readonly key: Buffer
  readonly ca: Buffer | undefined
  /** Wall clock. */
  readonly notBeforeMs: number
  readonly notAfterMs: number
  /** SHA-256 of the certificate. */
  readonly fingerprint: string
}

/** An identity that may be another one later. */
export interface IdentitySource {
  readonly current: Identity
  /** Called with each new identity. Returns the way back. */
  onChange(listener: (identity: Identity) => void): () => void
}

/** @param nowMs wall clock. @throws FileError */
export async function readIdentity(files: IdentityFiles, nowMs = Date.now()): Promise<Identity> {
  const { certFile, keyFile, caFile } = files
  const [cert, key, ca] = await Promise.all([
    read(certFile),
    read(keyFile),
    caFile === undefined ? undefined : read(caFile),
  ])
  const certificate = parsed(certFile, 'a certificate', () => new X509Certificate(cert))
  const privateKey = readKey(keyFile, key)
  if (!certificate.checkPrivateKey(privateKey)) {
    throw new FileError(`${certFile} and ${keyFile} do not belong together`)
  }
  if (ca !== undefined && caFile !== undefined) {
    parsed(caFile, 'a certificate', () => new X509Certificate(ca))
    parsed(caFile, 'a list of certificates', () => createSecureContext({ ca }))
  }
  parsed(certFile, 'a chain of certificates', () => createSecureContext({ cert, key }))
  const { validFrom, validTo, fingerprint256 } = certificate
  const notBeforeMs = Date.parse(validFrom)
  const notAfterMs = Date.parse(validTo)
  if (nowMs < notBeforeMs) throw new FileError(`${certFile} is not valid before ${iso(notBeforeMs)}`)
  if (nowMs > notAfterMs) throw new FileError(`${certFile} has expired at ${iso(notAfterMs)}`)
  return { cert, key, ca, notBeforeMs, notAfterMs, fingerprint: fingerprint256 }
}

async function read(file: string): Promise<Buffer> {
  try {
    return await readFile(file)
  } catch (error) {
    throw unreadable(file, error)
  }
}

function readKey(file: string, pem: Buffer): KeyObject {
  if (pem.includes('ENCRYPTED')) {
    throw new FileError(`${file} is encrypted: a key without a passphrase is needed`)
  }
  return parsed(file, 'a private key', () => createPrivateKey(pem))
}

/** OpenSSL's own sentence may quote what it has read: it stays out. */
function parsed<T>(file: string, what: string, parse: () => T): T {
  try {
    return parse()
  } catch {
    throw new FileError(`${file} is not ${what} in PEM`)
  }
}

function iso(wallMs: number): string {
  return new Date(wallMs).toISOString()
}

/** The identity in some files, as it is now. @throws FileError */
export function watchIdentity(files: IdentityFiles, options: WatchedOptions): Promise<Watched<Identity>> {
  return Watched.open({ read: () => readIdentity(files), isSame }, options)
}

function isSame(one: Identity, other: Identity): boolean {
  const isSameCa = one.ca === other.ca || (one.ca && other.ca && one.ca.equals(other.ca))
  return one.cert.equals(other.cert) && one.key.equals(other.key) && Boolean(isSameCa)
}
