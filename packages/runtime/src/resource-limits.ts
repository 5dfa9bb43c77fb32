import { readFileSync } from 'node:fs'
import { availableParallelism, totalmem } from 'node:os'
import { join } from 'node:path'

/** What this process may use; where nothing limits it, what the machine has. */
export interface ResourceLimits {
  readonly cpuCores: number
  readonly memoryBytes: number
}

/** @returns undefined where there is no such file, or it cannot be read */
export type ReadText = (path: string) => string | undefined

const CGROUPS = '/sys/fs/cgroup'

/**
 * The limits of the cgroup that this process is in, version 2 or 1, and of all cgroups above it: the lowest holds.
 * They may change while a process runs.
 */
export function resourceLimits(
  read: ReadText = readOrNothing,
  machine: ResourceLimits = { cpuCores: availableParallelism(), memoryBytes: totalmem() },
): ResourceLimits {
  const groups = groupsOf(read('/proc/self/cgroup') ?? '')
  const numbers = (directories: readonly string[], limit: (directory: string) => number | undefined) =>
    directories.flatMap((directory) => limit(directory) ?? [])
  const cores = [
    ...numbers(directoriesOf('', groups.unified), (at) => coresOf(read(join(at, 'cpu.max')))),
    ...numbers(directoriesOf('cpu', groups.cpu), (at) =>
      coresOf(`${read(join(at, 'cpu.cfs_quota_us'))} ${read(join(at, 'cpu.cfs_period_us'))}`),
    ),
  ]
  const bytes = [
    ...numbers(directoriesOf('', groups.unified), (at) => amountOf(read(join(at, 'memory.max')))),
    ...numbers(directoriesOf('memory', groups.memory), (at) =>
      amountOf(read(join(at, 'memory.limit_in_bytes'))),
    ),
  ]
  return {
    cpuCores: Math.min(machine.cpuCores, ...cores),
    memoryBytes: Math.min(machine.memoryBytes, ...bytes),
  }
}

/** The paths of the process's groups; in version 1 each controller has its own. */
function groupsOf(text: string): { unified?: string; cpu?: string; memory?: string } {
  const groups: { unified?: string; cpu?: string; memory?: string } = {}
  for (const line of text.split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(.+)$/.exec(line) ?? []
    if (controllers === undefined || path === undefined) continue
    const names = controllers.split(',')
    if (controllers === '') groups.unified = path
    if (names.includes('cpu')) groups.cpu = path
    if (names.includes('memory')) groups.memory = path
  }
  return groups
}

/** The group's directory and all above it. Within a container the path may not be there, and the topmost is its own. */
function directoriesOf(controller: string, path: string | undefined): readonly string[] {
  if (path === undefined) return []
  const names = path.split('/').filter((name) => name !== '' && name !== '..')
  return [...names.keys(), names.length].map((depth) => join(CGROUPS, controller, ...names.slice(0, depth)))
}

/** "QUOTA PERIOD", both in microseconds: `max`, or in version 1 -1, is no limit. */
function coresOf(text: string | undefined): number | undefined {
  const [quota, period] = (text ?? '').trim().split(/\s+/).map(Number)
  if (quota === undefined || period === undefined || !(quota > 0) || !(period > 0)) return undefined
  return quota / period
}

function amountOf(text: string | undefined): number | undefined {
  const amount = Number(text?.trim() || Number.NaN)
  return amount > 0 ? amount : undefined
}

function readOrNothing(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    // No cgroups, or not this version of them: then it limits nothing.
    return undefined
  }
}
