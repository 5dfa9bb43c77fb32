import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from './run.js'

const BUILD_LIMIT_MS = 40 * 60_000

export interface GoPackage {
  readonly name: string
  readonly goPackage: string
  readonly version: string
}

/** What `go mod edit -json` says of a go.mod, as far as it is read here. */
interface GoMod {
  readonly Replace?: readonly { readonly Old: ModuleVersion; readonly New: ModuleVersion }[] | null
}

interface ModuleVersion {
  readonly Path: string
  readonly Version?: string
}

/** `go install`. @returns the path of the program, below `place`. @throws Error with what Go wrote. */
export async function installPackage(
  go: string,
  { name, goPackage, version }: GoPackage,
  place: string,
): Promise<string> {
  await nice(go, ['install', `${goPackage}@${version}`], place, { GOBIN: place })
  return join(place, name)
}

/**
 * Builds a package of a module that `go install` refuses: in an empty module that takes over its `replace` lines.
 * @returns the path of the program, below `place`. @throws Error with what Go wrote.
 */
export async function buildInModule(
  go: string,
  { name, goPackage, version, module }: GoPackage & { readonly module: string },
  place: string,
): Promise<string> {
  const directory = join(place, 'module')
  await mkdir(directory)
  // Modules whose versions are not listed by the checksum database are taken as the proxy has them.
  const env = { GONOSUMDB: '*', GOFLAGS: '-mod=mod -buildvcs=false' }
  const inModule = (...args: string[]): Promise<string> => nice(go, args, directory, env)
  await inModule('mod', 'init', 'test-programs')
  const { GoMod: file } = JSON.parse(await inModule('mod', 'download', '-json', `${module}@${version}`)) as {
    readonly GoMod: string
  }
  const { Replace } = JSON.parse(await inModule('mod', 'edit', '-json', file)) as GoMod
  await inModule('mod', 'edit', `-require=${module}@${version}`, ...replaceFlags(Replace ?? []))
  const program = join(place, name)
  await inModule('build', '-o', program, goPackage)
  return program
}

/** Directories of its own checkout, to which a module may point, are not to be had. */
function replaceFlags(lines: NonNullable<GoMod['Replace']>): string[] {
  return lines
    .filter(({ New }) => New.Version !== undefined)
    .map(({ Old, New }) => `-replace=${text(Old)}=${text(New)}`)
}

function text({ Path, Version }: ModuleVersion): string {
  return Version === undefined ? Path : `${Path}@${Version}`
}

/** Builds leave the processors to everybody else. */
function nice(go: string, args: readonly string[], cwd: string, env: NodeJS.ProcessEnv): Promise<string> {
  return run('nice', ['-n', '19', go, ...args], {
    cwd,
    env: { ...process.env, CGO_ENABLED: '0', ...env },
    timeoutMs: BUILD_LIMIT_MS,
  })
}
