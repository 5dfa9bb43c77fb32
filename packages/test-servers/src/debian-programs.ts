import { canInstallDebian, installDebian } from './debian.js'
import { findPrograms, pathDirectories } from './programs.js'

/** Where Debian keeps what only root needs; not on everybody's PATH. */
const ROOT_DIRECTORIES = ['/usr/sbin', '/sbin']

/** A program with the Debian package that has it. */
export interface DebianProgram {
  readonly name: string
  readonly debianPackage: string
}

/** Finds a program, or installs it where that can be done, which it says on stderr. @returns its path, or why not. */
export async function debianProgram({
  name,
  debianPackage,
}: DebianProgram): Promise<{ readonly path: string } | { readonly missing: string }> {
  const found = search(name)
  if (found !== undefined) return { path: found }
  if (!canInstallDebian()) {
    return { missing: `${name} is not installed, and only root on Debian could install it here` }
  }
  try {
    await installDebian([debianPackage], (line) => process.stderr.write(`test programs: ${line}\n`))
  } catch (error) {
    return { missing: `${name} could not be installed: ${String(error)}` }
  }
  const path = search(name)
  return path === undefined ? { missing: `${name} is not where it was installed` } : { path }
}

function search(name: string): string | undefined {
  for (const directory of [...pathDirectories(), ...ROOT_DIRECTORIES]) {
    const found = findPrograms([name], [directory])
    if (found) return found[name]
  }
  return undefined
}
