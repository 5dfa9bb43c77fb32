/*
 * Test support: a disk in memory that treats what was not flushed as a real one may.
 *
 * Each file has two contents: what the running system reads (the cache) and what the disk holds. Writes reach
 * the cache; a datasync takes them to the disk. Names likewise: creations, renames and removals are durable
 * after a sync of their directory. At a power cut every 512-byte sector of every unflushed write is there,
 * or not, or torn inside the range written, each for itself; so is every unflushed change of a name. A failed datasync does what
 * Linux does: the data stay in the cache and count as clean, while the disk has any part of them.
 */

import { basename, dirname } from 'node:path'
import { WalError } from '../errors.js'
import type { DirectoryLock, Files, OpenFile, OpenMode } from '../files.js'
import type { Chance } from './chance.js'

const SECTOR_BYTES = 512

interface PendingWrite {
  readonly position: number
  readonly bytes: Buffer
}

interface PendingTruncation {
  readonly sizeBytes: number
}

type Pending = PendingWrite | PendingTruncation

class Inode {
  cache: Buffer = Buffer.alloc(0)
  disk: Buffer = Buffer.alloc(0)
  pending: Pending[] = []

  write(bytes: Buffer, position: number): void {
    const copy = Buffer.from(bytes)
    this.cache = written(this.cache, copy, position)
    this.pending.push({ position, bytes: copy })
  }

  truncate(sizeBytes: number): void {
    this.cache = resized(this.cache, sizeBytes)
    this.pending.push({ sizeBytes })
  }

  flush(): void {
    for (const change of this.pending) {
      if ('bytes' in change) this.disk = written(this.disk, change.bytes, change.position)
      else this.disk = resized(this.disk, change.sizeBytes)
    }
    this.pending = []
  }

  /** Any part of what is pending reaches the disk, and nothing is pending any more. */
  flushPartly(chance: Chance): void {
    const share = chance.happens(0.3) ? 0 : chance.happens(0.2) ? 1 : chance.next()
    for (const change of this.pending) {
      if ('bytes' in change) this.#writePartly(change, chance, share)
      else if (chance.happens(share)) this.disk = resized(this.disk, change.sizeBytes)
    }
    this.pending = []
  }

  #writePartly({ position, bytes }: PendingWrite, chance: Chance, share: number): void {
    const end = position + bytes.length
    for (let start = position; start < end; ) {
      const sectorEnd = Math.min(end, (Math.floor(start / SECTOR_BYTES) + 1) * SECTOR_BYTES)
      let sector = bytes.subarray(start - position, sectorEnd - position)
      const torn = chance.happens(0.15)
      if (torn) sector = sector.subarray(0, chance.below(sector.length + 1))
      if (chance.happens(share)) this.disk = written(this.disk, sector, start)
      start = sectorEnd
    }
  }
}

function resized(content: Buffer, sizeBytes: number): Buffer {
  const result = Buffer.alloc(sizeBytes)
  content.copy(result, 0, 0, Math.min(sizeBytes, content.length))
  return result
}

function written(content: Buffer, bytes: Buffer, position: number): Buffer {
  const end = position + bytes.length
  const target = end > content.length ? resized(content, end) : content
  bytes.copy(target, position)
  return target
}

interface NameChange {
  readonly directory: string
  /** `undefined`: removed */
  readonly changes: readonly (readonly [path: string, inode: Inode | undefined])[]
}

/** What may go wrong while a disk is mounted. */
export interface Faults {
  /** The machine or the process stops in the middle of that call, counted from 1; never if not given. */
  readonly stopAtCall?: number | undefined
  /** It stops in the middle of that datasync, counted from 1. */
  readonly stopAtDatasync?: number | undefined
  /** It stops right behind that rename, counted from 1: the new name is there, but not flushed. */
  readonly stopAfterRename?: number | undefined
  /** That datasync fails, counted from 1, and with it what it would have flushed. */
  readonly failDatasync?: number | undefined
  /** That write fails, counted from 1. */
  readonly failWrite?: number | undefined
  /** Probability that a write or a read handles fewer bytes than asked. */
  readonly shortProbability?: number
}

/** A disk that outlives the processes that use it. */
export class SimulatedDisk {
  readonly chance: Chance
  capacityBytes = Number.MAX_SAFE_INTEGER
  #names = new Map<string, Inode>()
  #durableNames = new Map<string, Inode>()
  #pendingNames: NameChange[] = []
  #mounted: SimulatedFiles | undefined

  constructor(chance: Chance) {
    this.chance = chance
  }

  /** The disk for one process; whatever used it before is stopped. */
  mount(faults: Faults = {}): SimulatedFiles {
    this.#mounted?.stop()
    this.#mounted = new SimulatedFiles(this, faults)
    return this.#mounted
  }

  /** The process ends: its calls go no further, the cache stays. */
  kill(): void {
    this.#mounted?.stop()
  }

  /** The machine loses power: what was not flushed is there, or not, or torn. */
  powerCut(): void {
    this.#mounted?.stop()
    const share = this.chance.happens(0.5) ? 0 : this.chance.next()
    for (const change of this.#pendingNames) {
      if (this.chance.happens(share)) applyNames(this.#durableNames, change)
    }
    this.#pendingNames = []
    this.#names = new Map(this.#durableNames)
    for (const inode of this.#names.values()) {
      inode.flushPartly(this.chance)
      inode.cache = Buffer.from(inode.disk)
    }
  }

  lookUp(path: string): Inode | undefined {
    return this.#names.get(path)
  }

  paths(): string[] {
    return [...this.#names.keys()]
  }

  /** The content as the running system reads it. */
  content(path: string): Buffer {
    return Buffer.from(this.#names.get(path)?.cache ?? Buffer.alloc(0))
  }

  /** Puts a file there, durably. */
  put(path: string, content: Buffer): void {
    const inode = new Inode()
    inode.write(content, 0)
    inode.flush()
    this.#names.set(path, inode)
    this.#durableNames.set(path, inode)
  }

  /** Takes a file away, durably. */
  remove(path: string): void {
    this.#names.delete(path)
    this.#durableNames.delete(path)
  }

  change(change: NameChange): void {
    applyNames(this.#names, change)
    this.#pendingNames.push(change)
  }

  syncNames(directory: string): void {
    this.#pendingNames = this.#pendingNames.filter((change) => {
      if (change.directory !== directory) return true
      applyNames(this.#durableNames, change)
      return false
    })
  }

  usedBytes(): number {
    let used = 0
    for (const inode of this.#names.values()) used += inode.cache.length
    return used
  }
}

function applyNames(names: Map<string, Inode>, { changes }: NameChange): void {
  for (const [path, inode] of changes) {
    if (inode === undefined) names.delete(path)
    else names.set(path, inode)
  }
}

function systemError(code: string, what: string): Error {
  return Object.assign(new Error(`${code}: ${what} (simulated)`), { code })
}

/** The calls of one process to a simulated disk. After `stop` none of them is ever answered. */
export class SimulatedFiles implements Files {
  /** Resolves when the process was stopped. */
  readonly stopped: Promise<void>
  readonly #disk: SimulatedDisk
  readonly #faults: Faults
  #alive = true
  #signalStop: () => void = () => undefined
  #calls = 0
  #datasyncs = 0
  #writes = 0
  #renames = 0
  #locked = false

  constructor(disk: SimulatedDisk, faults: Faults) {
    this.#disk = disk
    this.#faults = faults
    this.stopped = new Promise((resolve) => {
      this.#signalStop = resolve
    })
  }

  get calls(): number {
    return this.#calls
  }

  stop(): void {
    this.#alive = false
    this.#signalStop()
  }

  async open(path: string, mode: OpenMode): Promise<OpenFile> {
    await this.#call()
    let inode = this.#disk.lookUp(path)
    if (mode === 'create') {
      if (inode !== undefined) throw systemError('EEXIST', path)
      inode = new Inode()
      this.#disk.change({ directory: dirname(path), changes: [[path, inode]] })
    }
    if (inode === undefined) throw systemError('ENOENT', path)
    return this.#opened(inode, mode)
  }

  #opened(inode: Inode, mode: OpenMode): OpenFile {
    const open = { closed: false }
    const before = async (partly?: () => void) => {
      if (open.closed) throw systemError('EBADF', 'the file is closed')
      await this.#call(partly)
      if (open.closed) throw systemError('EBADF', 'the file was closed during a call')
    }
    return {
      write: async (bytes, position) => {
        if (mode === 'read') throw systemError('EBADF', 'opened for reading')
        await before(() =>
          inode.write(bytes.subarray(0, this.#disk.chance.below(bytes.length + 1)), position),
        )
        this.#writes += 1
        if (this.#writes === this.#faults.failWrite) throw systemError('EIO', 'write')
        const length = this.#someOf(bytes.length)
        const growth = position + length - inode.cache.length
        if (growth > 0 && this.#disk.usedBytes() + growth > this.#disk.capacityBytes) {
          throw systemError('ENOSPC', 'write')
        }
        inode.write(bytes.subarray(0, length), position)
        return length
      },
      read: async (target, position) => {
        await before()
        const available = Math.max(0, Math.min(target.length, inode.cache.length - position))
        const length = this.#someOf(available)
        inode.cache.copy(target, 0, position, position + length)
        return length
      },
      datasync: async () => {
        const partly = () => inode.flushPartly(this.#disk.chance)
        await before(partly)
        this.#datasyncs += 1
        if (this.#datasyncs === this.#faults.stopAtDatasync) await this.#stopIn(partly)
        if (this.#datasyncs === this.#faults.failDatasync) {
          inode.flushPartly(this.#disk.chance)
          throw systemError('EIO', 'fdatasync')
        }
        inode.flush()
      },
      truncate: async (sizeBytes) => {
        await before()
        inode.truncate(sizeBytes)
      },
      size: async () => {
        await before()
        return inode.cache.length
      },
      close: async () => {
        await before()
        open.closed = true
      },
    }
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#call()
    const inode = this.#disk.lookUp(from)
    if (inode === undefined) throw systemError('ENOENT', from)
    const changes = [
      [from, undefined],
      [to, inode],
    ] as const
    this.#disk.change({ directory: dirname(to), changes })
    this.#renames += 1
    if (this.#renames === this.#faults.stopAfterRename) await this.#stopIn()
  }

  async unlink(path: string): Promise<void> {
    await this.#call()
    if (this.#disk.lookUp(path) === undefined) throw systemError('ENOENT', path)
    this.#disk.change({ directory: dirname(path), changes: [[path, undefined]] })
  }

  async list(directory: string): Promise<string[]> {
    await this.#call()
    return this.#disk
      .paths()
      .filter((path) => dirname(path) === directory)
      .map((path) => basename(path))
  }

  async makeDirectory(): Promise<void> {
    await this.#call() // directories are always there
  }

  async syncDirectory(directory: string): Promise<void> {
    await this.#call()
    this.#disk.syncNames(directory)
  }

  async freeBytes(): Promise<number> {
    await this.#call()
    return Math.max(0, this.#disk.capacityBytes - this.#disk.usedBytes())
  }

  async lock(directory: string): Promise<DirectoryLock> {
    await this.#call()
    if (this.#locked) throw new WalError('locked', `${directory} is locked (simulated)`)
    this.#locked = true
    return {
      holds: async () => true,
      release: async () => {
        await this.#call()
        this.#locked = false
      },
    }
  }

  /** At least one byte, and sometimes fewer than all. */
  #someOf(sizeBytes: number): number {
    if (sizeBytes <= 1 || !this.#disk.chance.happens(this.#faults.shortProbability ?? 0)) return sizeBytes
    return 1 + this.#disk.chance.below(sizeBytes)
  }

  /** Takes some turns of the event loop, as a call does; `partly` is what a stop in its middle leaves behind. */
  async #call(partly?: () => void): Promise<void> {
    for (let turns = this.#disk.chance.below(3); turns > 0; turns--) {
      await new Promise((resolve) => setImmediate(resolve))
    }
    if (!this.#alive) await never()
    this.#calls += 1
    if (this.#calls === this.#faults.stopAtCall) await this.#stopIn(partly)
  }

  async #stopIn(partly?: () => void): Promise<void> {
    partly?.()
    this.stop()
    await never()
  }
}

/** A promise of its own for each: a shared one would keep everybody who ever waited for it. */
function never(): Promise<never> {
  return new Promise(() => undefined)
}
