import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Authority, IssuedPair } from '@fractal-lba/credentials/development'
import { anHourAround } from '@fractal-lba/credentials/testing'
import { type ServiceName, serviceNames } from '@fractal-lba/runtime'

/** A certificate that names a role, and this machine; good for an hour around a wall clock time. */
export function certificateFor(name: string, by: Authority, time = anHourAround()): Promise<IssuedPair> {
  return by.issue({ name, dns: [name, 'localhost'], ips: ['127.0.0.1'], ...time })
}

/** Files with a certificate for each service, as Secrets are mounted; they may be written again. */
export class RoleCertificates {
  readonly #directory = mkdtempSync(join(tmpdir(), 'fractal-lba-certificates-'))

  constructor() {
    for (const name of serviceNames) mkdirSync(this.file(name, ''))
  }

  file(name: ServiceName, file: string): string {
    return join(this.#directory, name, file)
  }

  /** One for each, of one authority. */
  async issue(by: Authority, time = anHourAround()): Promise<void> {
    for (const name of serviceNames) {
      const { cert, key } = await certificateFor(name, by, time)
      writeFileSync(this.file(name, 'tls.key'), key)
      writeFileSync(this.file(name, 'tls.crt'), cert)
    }
  }

  /** Whom all of them believe. @param authorities PEM */
  believe(authorities: string): void {
    for (const name of serviceNames) writeFileSync(this.file(name, 'ca.crt'), authorities)
  }

  /** By which a service finds its own. */
  environmentOf(name: ServiceName): Readonly<Record<string, string>> {
    return {
      TLS_ENABLED: 'true',
      TLS_CERT_FILE: this.file(name, 'tls.crt'),
      TLS_KEY_FILE: this.file(name, 'tls.key'),
      TLS_CA_FILE: this.file(name, 'ca.crt'),
    }
  }

  remove(): void {
    rmSync(this.#directory, { recursive: true, force: true })
  }
}
