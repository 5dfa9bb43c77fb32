import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cacheDirectory } from '../cache-directory.js'
import { canInstallDebian, installDebian } from '../debian.js'
import { findPrograms, pathDirectories } from '../programs.js'
import { type RunOptions, run } from '../run.js'

/** What podman needs to build images, and to run containers that find each other by name. */
const DEBIAN_PACKAGES = ['podman', 'buildah', 'runc', 'netavark', 'aardvark-dns', 'catatonit', 'iptables']
const COMMAND_LIMIT_MS = 60_000

/** Runs podman. */
export interface Podman {
  /** @returns what it wrote on stdout. @throws Error with what it wrote on stderr */
  (args: readonly string[], options?: Pick<RunOptions, 'timeoutMs' | 'tellsOnStdout'>): Promise<string>
  readonly env: NodeJS.ProcessEnv
  readonly path: string
}

/** Finds podman, or installs it where that can be done. @returns why there is none, where there is none */
export async function findPodman(): Promise<Podman | { readonly missing: string }> {
  const search = (): string | undefined => findPrograms(['podman'], pathDirectories())?.podman
  if (search() === undefined) {
    if (!canInstallDebian()) {
      return { missing: 'podman is not installed, and only root on Debian could install it here' }
    }
    try {
      await installDebian(DEBIAN_PACKAGES, (line) => process.stderr.write(`test programs: ${line}\n`))
    } catch (error) {
      return { missing: `podman could not be installed: ${String(error)}` }
    }
  }
  const path = search()
  if (path === undefined) return { missing: 'podman is not where it was installed' }
  const env = { ...process.env, ...(await withoutSystemd()) }
  const podman: (...asked: Parameters<Podman>) => Promise<string> = (args, options = {}) =>
    run(path, args, { env, timeoutMs: COMMAND_LIMIT_MS, ...options })
  return Object.assign(podman, { env, path })
}

/** Podman counts on systemd for its cgroups, and on limits that a container of its own may not set. */
async function withoutSystemd(): Promise<Readonly<Record<string, string>>> {
  if (process.env.CONTAINERS_CONF !== undefined || existsSync('/run/systemd/system')) return {}
  await mkdir(cacheDirectory(), { recursive: true })
  const path = join(cacheDirectory(), 'containers.conf')
  await writeFile(
    path,
    [
      '[containers]',
      'default_ulimits = ["nofile=20000:20000", "nproc=20000:20000"]',
      '[engine]',
      'cgroup_manager = "cgroupfs"',
      'runtime = "runc"',
      '',
    ].join('\n'),
  )
  return { CONTAINERS_CONF: path }
}
