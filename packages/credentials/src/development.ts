import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Authority } from './authority.js'

export { Authority, type IssuedPair, type IssueOptions } from './authority.js'

/** A set of certificates for a try, all of one authority. */
export interface DevelopmentSet {
  /** It gets ca.crt, and a directory for each holder with tls.crt, tls.key and ca.crt, as a Secret is mounted. */
  readonly directory: string
  readonly holders: readonly Holder[]
  readonly days: number
}

/** Who gets a certificate. */
export interface Holder {
  /** Of its directory, and the common name. */
  readonly name: string
  readonly dns: readonly string[]
  readonly ips: readonly string[]
}

const LOCALHOST = { dns: ['localhost'], ips: ['127.0.0.1', '::1'] }

/**
 * A certificate for each role, the gateway's for its hosts too; all roles in one process share one that names them all.
 * @param hosts DNS names and addresses under which clients reach the gateway; this machine's unless told otherwise
 */
export function developmentHolders(
  roles: readonly string[],
  hosts: Pick<Holder, 'dns' | 'ips'> = LOCALHOST,
): readonly Holder[] {
  const { dns, ips } = hosts
  return [
    ...roles.map((name) =>
      name === 'gateway' ? { name, dns: [name, ...dns], ips } : { name, dns: [name], ips: [] },
    ),
    { name: 'one-process', dns: [...roles, ...dns], ips },
  ]
}

/** There is something in the directory already: nothing was written. */
export class DirectoryInUseError extends Error {
  override readonly name = 'DirectoryInUseError'
}

const DAY_MS = 86_400_000
/** Clocks of one machine's containers may be a little apart. */
const BACKDATED_MS = 300_000

/**
 * Writes the set. The key of its authority is never written: who wants other certificates makes all of them anew.
 * @returns when they end, wall clock
 * @throws DirectoryInUseError
 */
export async function makeDevelopmentSet({ directory, holders, days }: DevelopmentSet): Promise<Date> {
  await mkdir(directory, { recursive: true })
  if ((await readdir(directory)).length > 0) throw new DirectoryInUseError(`${directory} is not empty`)
  const nowMs = Date.now()
  const time = { notBefore: new Date(nowMs - BACKDATED_MS), notAfter: new Date(nowMs + days * DAY_MS) }
  const authority = await Authority.create({ name: 'Fractal LBA development, not for production', ...time })
  await writeFile(join(directory, 'ca.crt'), authority.cert)
  for (const { name, dns, ips } of holders) {
    const { cert, key } = await authority.issue({ name, dns, ips, ...time })
    const at = join(directory, name)
    await mkdir(at, { mode: 0o700 })
    await writeFile(join(at, 'tls.crt'), cert)
    await writeFile(join(at, 'tls.key'), key, { mode: 0o600 })
    await writeFile(join(at, 'ca.crt'), authority.cert)
  }
  return time.notAfter
}
