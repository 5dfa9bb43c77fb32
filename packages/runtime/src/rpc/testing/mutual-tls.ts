import { type Identity, readIdentity } from '@fractal-lba/credentials'
import type { Authority } from '@fractal-lba/credentials/development'
import { anHourAround, IdentityFolder, testAuthority } from '@fractal-lba/credentials/testing'
import type { MutualTls } from '../security.js'

export interface Refused {
  readonly connections: string[]
  readonly calls: string[]
}

export interface TestSecurity extends MutualTls {
  readonly refused: Refused
  /** Takes another certificate, as if its files had changed. */
  renew(options: MutualTlsOptions): Promise<void>
  /** As `renew`, at the moment that what it returns is called. */
  prepare(options: MutualTlsOptions): Promise<() => void>
}

export interface MutualTlsOptions {
  /** The DNS names of the certificate. */
  readonly names: readonly string[]
  /** Who signs it; one of its own where there is none. */
  readonly authority?: Authority
  /** Whom it believes, PEM. Its own authority unless told otherwise. */
  readonly believes?: string
  /** Wall clock: the middle of the two hours for which it is good. Now unless told otherwise. */
  readonly aroundMs?: number
}

/** How a process is secured by a certificate, which may be out of its time. */
export async function mutualTls(options: MutualTlsOptions): Promise<TestSecurity> {
  const refused: Refused = { connections: [], calls: [] }
  const listeners = new Set<(identity: Identity) => void>()
  let current = await identityOf(options)
  const renewTo = (identity: Identity): void => {
    current = identity
    for (const listener of listeners) listener(identity)
  }
  return {
    kind: 'mtls',
    refused,
    identity: {
      get current() {
        return current
      },
      onChange(listener) {
        listeners.add(listener)
        return () => void listeners.delete(listener)
      },
    },
    namesOf: (role) => [role],
    refusals: {
      connection: (reason) => void refused.connections.push(reason),
      call: (method, caller) => void refused.calls.push(`${method} by ${caller ?? 'nobody'}`),
    },
    async renew(next) {
      renewTo(await identityOf(next))
    },
    async prepare(next) {
      const identity = await identityOf(next)
      return () => renewTo(identity)
    },
  }
}

async function identityOf({
  names,
  authority,
  believes,
  aroundMs = Date.now(),
}: MutualTlsOptions): Promise<Identity> {
  const signer = authority ?? (await testAuthority())
  const folder = new IdentityFolder()
  try {
    folder.write(
      await signer.issue({ name: 'test', dns: names, ...anHourAround(aroundMs) }),
      believes ?? signer.cert,
    )
    return await readIdentity(folder.files, aroundMs)
  } finally {
    folder.remove()
  }
}
