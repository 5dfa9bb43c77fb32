import { readFileSync } from 'node:fs'
import { cpus, loadavg, release, totalmem, type } from 'node:os'
import { resolve, sep } from 'node:path'
import { TICK_MS } from './process-cpu.js'

/** What figures mean nothing without. */
export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryGiB: number
  readonly node: string
  readonly kernel: string
  /** Type of the file system that the logs are written to. */
  readonly fileSystem: string
  /** Over the last minute before the bench: what others did on the machine. */
  readonly loadBefore: number
}

/** File systems in memory: a flush costs nothing there, so figures say nothing about a disk. */
const MEMORY_FILE_SYSTEMS = ['tmpfs', 'ramfs']

export function thisMachine(dataDir: string): Machine {
  const all = cpus()
  return {
    cpu: all[0]?.model.trim() ?? 'unknown',
    cores: all.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.versions.node,
    kernel: `${type()} ${release()}`,
    loadBefore: loadavg()[0] ?? 0,
    fileSystem: fileSystemOf(resolve(dataDir), readFileSync('/proc/self/mounts', 'utf8')),
  }
}

/** In one line, for reports. */
export function machineLine({
  cpu,
  cores,
  memoryGiB,
  node,
  kernel,
  fileSystem,
  loadBefore,
}: Machine): string {
  return `${cpu}, ${cores} cores, ${memoryGiB} GiB; Node ${node}; ${kernel}; logs on ${fileSystem}; load before ${loadBefore.toFixed(1)}`
}

/** Whether somebody else used so much of the machine that figures taken on it mean little. */
export function isBusy({ loadBefore, cores }: Machine): boolean {
  return loadBefore > cores / 4
}

export function isInMemory({ fileSystem }: Machine): boolean {
  return MEMORY_FILE_SYSTEMS.includes(fileSystem)
}

/** CPU time so far that the machine below this one gave to others while something here wanted to run, over all cores. */
export function stolenMs(): number {
  return stolenMsFromStat(readFileSync('/proc/stat', 'utf8'))
}

/** @param stat the text of /proc/stat: the first line has all cores; its eighth figure is the stolen time. */
export function stolenMsFromStat(stat: string): number {
  const ticks = stat.split('\n', 1)[0]?.trim().split(/ +/)[8]
  return Number(ticks ?? Number.NaN) * TICK_MS
}

/** @param mounts the text of /proc/self/mounts. */
export function fileSystemOf(path: string, mounts: string): string {
  let longest = ''
  let fileSystem = 'unknown'
  for (const line of mounts.split('\n')) {
    const [, escaped, mounted] = line.split(' ')
    if (escaped === undefined || mounted === undefined) continue
    // Blanks in the path are written as \040.
    const point = escaped.replace(/\\(\d{3})/g, (_, octal: string) =>
      String.fromCharCode(Number.parseInt(octal, 8)),
    )
    const contains = path === point || path.startsWith(point.endsWith(sep) ? point : point + sep)
    // Of two mounts at one place the later one lies above.
    if (contains && point.length >= longest.length) [longest, fileSystem] = [point, mounted]
  }
  return fileSystem
}
