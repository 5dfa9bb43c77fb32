import { mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from './run.js'

const BUILD_LIMIT_MS = 40 * 60_000
// Modules whose versions are not listed by the checksum database are taken as the proxy has them.
const MODULE_ENV = { GONOSUMDB: '*', GOFLAGS: '-mod=mod -buildvcs=false' }

export interface GoPackage {
  /** grpcurl */
  readonly name: string
  /** github.com/fullstorydev/grpcurl/cmd/grpcurl */
  readonly goPackage: string
  /** v1.9.3 */
  readonly version: string
  /** Variables that the linker sets: `k8s.io/component-base/version.gitVersion` to `v1.36.3`. */
  readonly linked?: Readonly<Record<string, string>>
  /** The version under which the directories that its module's go.mod points to (`./staging/src/…`) are published. */
  readonly directoriesVersion?: string
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
  { name, goPackage, version, linked }: GoPackage,
  place: string,
): Promise<string> {
  await nice(go, ['install', ...linkFlags(linked), `${goPackage}@${version}`], place, { GOBIN: place })
  return join(place, name)
}

/**
 * Builds a package of a module that `go install` refuses: in an empty module that takes over its `replace` lines.
 * @returns the path of the program, below `place`. @throws Error with what Go wrote.
 */
export async function buildInModule(
  go: string,
  { name, goPackage, version, module, directoriesVersion, linked }: GoPackage & { readonly module: string },
  place: string,
): Promise<string> {
  const directory = join(place, 'module')
  await mkdir(directory)
  const inModule = (...args: string[]): Promise<string> => nice(go, args, directory, MODULE_ENV)
  await inModule('mod', 'init', 'test-programs')
  const { GoMod: file } = await download(inModule, module, version)
  const { Replace } = JSON.parse(await inModule('mod', 'edit', '-json', file)) as GoMod
  const replaced = replaceFlags(Replace ?? [], directoriesVersion)
  await inModule('mod', 'edit', `-require=${module}@${version}`, ...replaced)
  const program = join(place, name)
  await inModule('build', ...linkFlags(linked), '-o', program, goPackage)
  return program
}

/** @returns the directory of the module's files. @throws Error with what Go wrote. */
export async function downloadModule(go: string, module: string, version: string): Promise<string> {
  const anywhere = (...args: string[]): Promise<string> => nice(go, args, tmpdir(), MODULE_ENV)
  return (await download(anywhere, module, version)).Dir
}

async function download(
  goCommand: (...args: string[]) => Promise<string>,
  module: string,
  version: string,
): Promise<{ readonly GoMod: string; readonly Dir: string }> {
  return JSON.parse(await goCommand('mod', 'download', '-json', `${module}@${version}`))
}

/** Without the tables that only debuggers read. */
function linkFlags(linked: GoPackage['linked'] = {}): string[] {
  const variables = Object.entries(linked).map(([variable, value]) => `-X ${variable}=${value}`)
  return ['-ldflags', ['-s', '-w', ...variables].join(' ')]
}

/** Directories of its own checkout, to which a module may point, are not to be had, but may be modules as well. */
function replaceFlags(
  lines: NonNullable<GoMod['Replace']>,
  directoriesVersion: string | undefined,
): string[] {
  return lines.flatMap(({ Old, New }) => {
    if (New.Version !== undefined) return `-replace=${text(Old)}=${text(New)}`
    return directoriesVersion === undefined ? [] : `-replace=${Old.Path}=${Old.Path}@${directoriesVersion}`
  })
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
