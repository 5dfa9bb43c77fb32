import { accessSync, constants, existsSync, readdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** The programs of a server, by their names; or a sentence that says why there are none. */
export type Programs<Name extends string> = Readonly<Record<Name, string>> | { readonly missing: string }

/** The first directory that has all of these programs. */
export function findPrograms<Name extends string>(
  names: readonly Name[],
  directories: readonly string[],
): Readonly<Record<Name, string>> | undefined {
  for (const directory of directories) {
    const paths = names.map((name) => [name, join(directory, name)] as const)
    if (paths.every(([, path]) => isProgram(path))) {
      return Object.fromEntries(paths) as Readonly<Record<Name, string>>
    }
  }
  return undefined
}

export function pathDirectories(): string[] {
  return (process.env.PATH ?? '').split(delimiter).filter((directory) => directory !== '')
}

/** Where Debian keeps the servers' own programs, the newest version first. */
export function debianPostgresDirectories(): string[] {
  const root = '/usr/lib/postgresql'
  if (!existsSync(root)) return []
  const versions = readdirSync(root).filter((name) => /^\d+$/.test(name))
  return versions.sort((a, b) => Number(b) - Number(a)).map((version) => join(root, version, 'bin'))
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    // Not there or not to be run: it is the same here.
    return false
  }
}
