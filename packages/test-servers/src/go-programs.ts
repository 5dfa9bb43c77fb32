import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { findPrograms, pathDirectories } from './programs.js'
import { run } from './run.js'

const BUILD_LIMIT_MS = 10 * 60_000
const GO_DIRECTORIES = ['/usr/local/go/bin']

/** A program that Go builds. */
export interface GoProgram {
  readonly name: string
  /** github.com/fullstorydev/grpcurl/cmd/grpcurl */
  readonly goPackage: string
  /** v1.9.3 */
  readonly version: string
}

/**
 * Finds a program in the cache of the user, or builds it there, which it says on stderr.
 * @returns its path, or why there is none.
 */
export async function goProgram(
  program: GoProgram,
): Promise<{ readonly path: string } | { readonly missing: string }> {
  const { name, version } = program
  const directory = join(cacheDirectory(), `${name}-${version}`)
  const built = findPrograms([name], [directory])
  if (built) return { path: built[name] as string }
  const go = findPrograms(['go'], [...pathDirectories(), ...GO_DIRECTORIES])?.go
  if (go === undefined) return { missing: `${name} ${version} is not built, and there is no Go to build it` }
  try {
    await build(go, program, directory)
  } catch (error) {
    return { missing: `${name} ${version} could not be built: ${String(error)}` }
  }
  return { path: join(directory, name) }
}

/** Builds beside and renames: who looks meanwhile never finds half of a program. */
async function build(go: string, { name, goPackage, version }: GoProgram, directory: string): Promise<void> {
  process.stderr.write(`test programs: building ${name} ${version}\n`)
  await mkdir(cacheDirectory(), { recursive: true })
  const place = await mkdtemp(join(cacheDirectory(), 'building-'))
  try {
    const env = { ...process.env, CGO_ENABLED: '0', GOBIN: place }
    await run(go, ['install', `${goPackage}@${version}`], { env, timeoutMs: BUILD_LIMIT_MS })
    await mkdir(directory, { recursive: true })
    await rename(join(place, name), join(directory, name))
  } finally {
    await rm(place, { recursive: true, force: true })
  }
}

function cacheDirectory(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'fractal-lba', 'test-programs')
}
