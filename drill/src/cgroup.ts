import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const ROOT = '/sys/fs/cgroup'
const PERIOD_US = 100_000

export interface Controller {
  readonly limitFile: string
  readonly text: (amount: number) => string
  readonly directory: string
}

/** The kernel takes no fractions. */
const wholeText = (amount: number): string => String(Math.round(amount))

/** Version 1, where each controller has a tree of its own, or 2. */
export function controllerOf(kind: 'cpu' | 'memory'): Controller {
  const isFirst = existsSync(join(ROOT, kind, 'cgroup.procs'))
  const directory = isFirst ? join(ROOT, kind) : ROOT
  if (kind === 'memory') {
    return { directory, limitFile: isFirst ? 'memory.limit_in_bytes' : 'memory.max', text: wholeText }
  }
  const quotaText = (cores: number): string => wholeText(cores * PERIOD_US)
  return isFirst
    ? { directory, limitFile: 'cpu.cfs_quota_us', text: quotaText }
    : { directory, limitFile: 'cpu.max', text: (cores) => `${quotaText(cores)} ${PERIOD_US}` }
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
    try {
      writeFileSync(join(this.#path, limitFile), text(limit))
      writeFileSync(join(this.#path, 'cgroup.procs'), String(pid))
    } catch (error) {
      rmdirSync(this.#path)
      throw error
    }
  }

  /** The process goes back to where nothing limits it. */
  remove(): void {
    writeFileSync(join(this.#parent, 'cgroup.procs'), String(this.#pid))
    rmdirSync(this.#path)
  }
}
