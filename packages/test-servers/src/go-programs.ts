import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { cacheDirectory } from './cache-directory.js'
import { buildInModule, downloadModule, type GoPackage, installPackage } from './go-build.js'
import { findPrograms, pathDirectories } from './programs.js'

const GO_DIRECTORIES = ['/usr/local/go/bin']
const PROGRESS_EVERY_MS = 30_000

/** A program that Go builds. */
export interface GoProgram extends GoPackage {
  /** The module of the package, where `go install` refuses it: its go.mod has `replace` lines. */
  readonly module?: string
}

export interface GoModule {
  /** sigs.k8s.io/gateway-api */
  readonly module: string
  /** v1.6.1 */
  readonly version: string
}

export type FoundModule = { readonly directory: string } | { readonly missing: string }

export type FoundProgram = { readonly path: string } | { readonly missing: string }

/**
 * Finds a program in the cache of the user, or builds it there, which it says on stderr.
 * @returns its path, or why there is none.
 */
export async function goProgram(program: GoProgram): Promise<FoundProgram> {
  const { name, version } = program
  const built = builtGoProgram(program)
  if ('path' in built) return built
  const go = findGo()
  if (go === undefined) return { missing: `${name} ${version} is not built, and there is no Go to build it` }
  try {
    await build(go, program)
  } catch (error) {
    return { missing: `${name} ${version} could not be built: ${String(error)}` }
  }
  return builtGoProgram(program)
}

/** The program where it was built before; builds nothing. */
export function builtGoProgram({ name, version }: GoProgram): FoundProgram {
  const found = findPrograms([name], [directoryOf(name, version)])
  return found ? { path: found[name] as string } : { missing: `${name} ${version} is not built yet` }
}

/**
 * Finds the files of a module in Go's own cache, or downloads them there.
 * @returns their directory, which is only to be read, or why there is none.
 */
export async function goModule({ module, version }: GoModule): Promise<FoundModule> {
  const go = findGo()
  if (go === undefined) return { missing: `${module} ${version}: there is no Go to download it` }
  try {
    return { directory: await downloadModule(go, module, version) }
  } catch (error) {
    return { missing: `${module} ${version} could not be downloaded: ${String(error)}` }
  }
}

function findGo(): string | undefined {
  return findPrograms(['go'], [...pathDirectories(), ...GO_DIRECTORIES])?.go
}

/** Builds beside and renames: who looks meanwhile never finds half of a program. */
async function build(go: string, program: GoProgram): Promise<void> {
  const { name, version, module } = program
  await mkdir(cacheDirectory(), { recursive: true })
  const place = await mkdtemp(join(cacheDirectory(), 'building-'))
  const finish = progress(`${name} ${version}`)
  try {
    const built = module
      ? await buildInModule(go, { ...program, module }, place)
      : await installPackage(go, program, place)
    const directory = directoryOf(name, version)
    await mkdir(directory, { recursive: true })
    await rename(built, join(directory, name))
  } finally {
    finish()
    await rm(place, { recursive: true, force: true })
  }
}

/** Says on stderr that something is being built, and now and then that it still is. */
function progress(what: string): () => void {
  const say = (text: string): boolean => process.stderr.write(`test programs: ${text}\n`)
  const beganMs = performance.now()
  const seconds = (): string => `${Math.round((performance.now() - beganMs) / 1_000)} s`
  say(`building ${what}`)
  const timer = setInterval(() => say(`still building ${what} after ${seconds()}`), PROGRESS_EVERY_MS)
  return () => {
    clearInterval(timer)
    say(`the build of ${what} ended after ${seconds()}`)
  }
}

function directoryOf(name: string, version: string): string {
  return join(cacheDirectory(), `${name}-${version}`)
}
