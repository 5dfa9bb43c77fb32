import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from './run.js'

/** Paths of PEM files. */
export interface CertificateFiles {
  /** Of the authority that has signed cert. */
  readonly ca: string
  readonly cert: string
  readonly key: string
  remove(): void
}

/** Makes an authority and a certificate of it for one host name, in a directory of their own unless one is given. Wants openssl. */
export async function makeCertificates(
  hostName: string,
  directory = mkdtempSync(join(tmpdir(), 'fractal-lba-certificates-')),
): Promise<CertificateFiles> {
  const at = (name: string): string => join(directory, name)
  const openssl = (...args: readonly string[]): Promise<string> => run('openssl', args)
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  try {
    await openssl(
      ...['req', '-x509', ...curve, '-days', '2', '-subj', '/CN=test authority'],
      ...['-keyout', at('ca.key'), '-out', at('ca.crt')],
    )
    const isIp = /^[\d.]+$/.test(hostName)
    await openssl(
      ...['req', '-x509', ...curve, '-days', '2', '-subj', `/CN=${hostName}`],
      ...['-CA', at('ca.crt'), '-CAkey', at('ca.key')],
      ...[
        '-addext',
        `subjectAltName=${isIp ? 'IP' : 'DNS'}:${hostName}`,
        '-addext',
        'basicConstraints=CA:FALSE',
      ],
      ...['-keyout', at('server.key'), '-out', at('server.crt')],
    )
  } catch (error) {
    rmSync(directory, { recursive: true })
    throw error
  }
  const remove = (): void => rmSync(directory, { recursive: true, force: true })
  return { ca: at('ca.crt'), cert: at('server.crt'), key: at('server.key'), remove }
}
