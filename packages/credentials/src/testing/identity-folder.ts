import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Authority, type IssuedPair, type IssueOptions } from '../authority.js'

const HOUR_MS = 3_600_000

/** From an hour ago until in an hour. */
export function anHourAround(nowMs = Date.now()): Pick<IssueOptions, 'notBefore' | 'notAfter'> {
  return { notBefore: new Date(nowMs - HOUR_MS), notAfter: new Date(nowMs + HOUR_MS) }
}

export function testAuthority(name = 'test authority'): Promise<Authority> {
  return Authority.create({ name, ...anHourAround() })
}

/** Files of one identity, which may be written again. */
export class IdentityFolder {
  readonly #path = mkdtempSync(join(tmpdir(), 'fractal-lba-identity-'))
  readonly files = {
    certFile: join(this.#path, 'tls.crt'),
    keyFile: join(this.#path, 'tls.key'),
    caFile: join(this.#path, 'ca.crt'),
  }

  write({ cert, key }: IssuedPair, ca: string): void {
    writeFileSync(this.files.certFile, cert)
    writeFileSync(this.files.keyFile, key, { mode: 0o600 })
    writeFileSync(this.files.caFile, ca)
  }

  remove(): void {
    rmSync(this.#path, { recursive: true, force: true })
  }
}
