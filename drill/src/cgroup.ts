import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const ROOT = '/sys/fs/cgroup'
const PERIOD_US = 100_000

interface Controller {
  readonly limitFile: string
  readonly text: (amount: number) => string
  readonly directory: string
}

/** Version 1, where each controller has a tree of its own, or 2. */
function controllerOf(kind: 'cpu' | 'memory'): Controller {
  const isFirst = existsSync(join(ROOT, kind, 'cgroup.procs'))
  const directory = isFirst ? join(ROOT, kind) : ROOT
  if (kind === 'memory') {
    return { directory, limitFile: isFirst ? 'memory.limit_in_bytes' : 'memory.max', text: String }
  }
  const quotaUs = (cores: number): number => Math.round(cores * PERIOD_US)
  return isFirst
    ? { directory, limitFile: 'cpu.cfs_quota_us', text: (cores) => String(quotaUs(cores)) }
    : { directory, limitFile: 'cpu.max', text: (cores) => `${quotaUs(cores)} ${PERIOD_US}` }
}

/** A cgroup for one process. */
export class Cgroup {
  readonly #path: string
  readonly #parent: string
  readonly #pid: number

  /** @param limit cores, or bytes. @throws Error where this may not be done */
  constructor(kind: 'cpu' | 'memory', pid: number, limit: number) {
    const { directory, limitFile, text } = controllerOf(kind)
    this.#parent = directory
    this.#pid = pid
    this.#path = join(directory, `fractal-lba-drill-${process.pid}-${kind}`)
    mkdirSync(this.#path, { recursive: true })
    writeFileSync(join(this.#path, limitFile), text(limit))
    writeFileSync(join(this.#path, 'cgroup.procs'), String(pid))
  }

  /** The process goes back to where nothing limits it. */
  remove(): void {
    writeFileSync(join(this.#parent, 'cgroup.procs'), String(this.#pid))
    rmdirSync(this.#path)
  }
}
