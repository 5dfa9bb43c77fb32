import { canInstallDebian, installDebian } from './debian.js'
import { findPrograms, type Programs, pathDirectories } from './programs.js'

const NAMES = ['redis-server', 'redis-cli', 'redis-sentinel'] as const
export type RedisPrograms = Readonly<Record<(typeof NAMES)[number], string>>

let searched: Promise<Programs<(typeof NAMES)[number]>> | undefined

/** Finds Redis, or installs it where that can be done; says so on stderr. */
export function redisPrograms(): Promise<Programs<(typeof NAMES)[number]>> {
  searched ??= search()
  return searched
}

/** Why there is no Redis for tests; undefined where there is one. */
export async function redisMissing(): Promise<string | undefined> {
  const found = await redisPrograms()
  return 'missing' in found ? found.missing : undefined
}

async function search(): Promise<Programs<(typeof NAMES)[number]>> {
  const installed = findPrograms(NAMES, pathDirectories())
  if (installed) return installed
  if (!canInstallDebian()) {
    return { missing: 'redis-server is not installed, and only root on Debian could install it here' }
  }
  try {
    await installDebian(['redis-server', 'redis-sentinel'], (line) =>
      process.stderr.write(`test servers: ${line}\n`),
    )
  } catch (error) {
    return { missing: `redis-server could not be installed: ${String(error)}` }
  }
  return findPrograms(NAMES, pathDirectories()) ?? { missing: 'redis-server is not where it was installed' }
}
