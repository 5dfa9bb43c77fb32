// @peculiar/x509 2.2 wants it loaded before itself.
import 'reflect-metadata'
import { createPrivateKey, webcrypto } from 'node:crypto'
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  cryptoProvider,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from '@peculiar/x509'

/** A certificate and its key, PEM. */
export interface IssuedPair {
  readonly cert: string
  readonly key: string
}

export interface IssueOptions {
  /** The common name, for people. */
  readonly name: string
  readonly dns?: readonly string[]
  readonly ips?: readonly string[]
  /** Wall clock. */
  readonly notBefore: Date
  readonly notAfter: Date
}

type Keys = webcrypto.CryptoKeyPair

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

/**
 * An authority for development and tests: its key lies in this process, or in a file beside its certificates, and
 * nothing revokes what it has signed.
 */
export class Authority {
  readonly #keys: Keys
  readonly #name: string
  /** PEM */
  readonly cert: string

  private constructor(name: string, keys: Keys, cert: string) {
    this.#name = name
    this.#keys = keys
    this.cert = cert
  }

  static async create({ name, notBefore, notAfter }: IssueOptions): Promise<Authority> {
    cryptoProvider.set(webcrypto)
    const keys = await newKeys()
    const certificate = await X509CertificateGenerator.createSelfSigned({
      ...{ name: `CN=${name}`, notBefore, notAfter, keys, signingAlgorithm: ALGORITHM },
      extensions: [
        new BasicConstraintsExtension(true, 0, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
        await SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    })
    return new Authority(name, keys, pem(certificate.toString('pem')))
  }

  /** A certificate that its owner shows as a server and as a client. */
  async issue({ name, dns = [], ips = [], notBefore, notAfter }: IssueOptions): Promise<IssuedPair> {
    const keys = await newKeys()
    const extensions: Extension[] = [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth]),
      new SubjectAlternativeNameExtension([
        ...dns.map((value) => ({ type: 'dns' as const, value })),
        ...ips.map((value) => ({ type: 'ip' as const, value })),
      ]),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
      await AuthorityKeyIdentifierExtension.create(this.#keys.publicKey),
    ]
    const certificate = await X509CertificateGenerator.create({
      ...{ subject: `CN=${name}`, issuer: `CN=${this.#name}`, notBefore, notAfter, extensions },
      ...{ publicKey: keys.publicKey, signingKey: this.#keys.privateKey, signingAlgorithm: ALGORITHM },
    })
    return { cert: pem(certificate.toString('pem')), key: await keyPem(keys) }
  }
}

function newKeys(): Promise<Keys> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']) as Promise<Keys>
}

async function keyPem({ privateKey }: Keys): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', privateKey))
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  return key.export({ format: 'pem', type: 'pkcs8' }).toString()
}

function pem(text: string): string {
  return text.endsWith('\n') ? text : `${text}\n`
}
