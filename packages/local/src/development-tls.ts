import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { FileError, type Identity, readIdentity } from '@fractal-lba/credentials'
import { roles, StartError } from '@fractal-lba/runtime'
import type { Environment } from './environment.js'
import type { ProgramName } from './layout.js'

/** Certificates of a local start, and the variables by which its processes find them. */
export interface DevelopmentTls {
  /** Of the authority: what a client believes. */
  readonly caFile: string
  /** Of each program, and of the tools. */
  readonly envOf: Partial<Readonly<Record<ProgramName | 'tools', Environment>>>
}

const DAYS = 30
/**
 * Uses the certificates in the directory, or makes some where there are none.
 * @throws StartError with a sentence when those that are there are of no use
 */
export async function developmentTls(directory: string): Promise<DevelopmentTls> {
  const filesOf = (name: ProgramName | 'tools') => ({
    certFile: join(directory, name, 'tls.crt'),
    keyFile: join(directory, name, 'tls.key'),
    caFile: join(directory, name, 'ca.crt'),
  })
  const caFile = join(directory, 'ca.crt')
  if (!existsSync(caFile)) {
    const { developmentHolders, makeDevelopmentSet } = await import('@fractal-lba/credentials/development')
    await makeDevelopmentSet({ directory, holders: developmentHolders(roles), days: DAYS })
  }
  const names = [...roles, 'one-process'] as const
  const envOf = names.map(async (name) => {
    const files = filesOf(name)
    await usable(readIdentity(files), directory)
    const { certFile, keyFile } = files
    return [
      name,
      { TLS_ENABLED: 'true', TLS_CERT_FILE: certFile, TLS_KEY_FILE: keyFile, TLS_CA_FILE: files.caFile },
    ] as const
  })
  return { caFile, envOf: Object.fromEntries(await Promise.all(envOf)) }
}

async function usable(identity: Promise<Identity>, directory: string): Promise<void> {
  try {
    await identity
  } catch (error) {
    if (!(error instanceof FileError)) throw error
    throw new StartError(`${error.message}: remove ${directory}, and new certificates are made`)
  }
}
