/*
 * A guard against two nodes that mount one volume, where the lock (lock.ts) sees only the processes of one machine.
 *
 * Who has the lock keeps a file `owner` in the directory, which says on which boot of which kernel it runs, and counts
 * on in it once a second. Who gets the lock and finds that file from another boot watches it for ten seconds, by its own
 * monotonic clock: while it changes, another node writes the log, and the start is refused. A file of the same boot was
 * left by a process that is dead, because its lock was free: nobody waits for it, so a crash costs no time. A clean stop
 * removes the file. An owner that finds another's name in its file has been given up for dead, and must end.
 *
 * It is no fence: a node that stood still for ten seconds (a paused machine, a hung mount) goes on to write until it
 * next looks, and a file system that shows one node what the other wrote only later hides it. It is for mistakes: a
 * volume attached twice, a copy of a configuration, a node that was believed to be gone.
 *
 * The file is written over in place, by one write of one block's part: on a full disk that needs no room, and whoever
 * reads it in the middle sees a change, which is what it is.
 */

import { randomBytes } from 'node:crypto'
import { constants, type FileHandle, open, readFile, unlink } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { type Clock, systemClock } from './clock.js'
import { asError, systemCode, WalError } from './errors.js'
import type { DirectoryLock, Files } from './files.js'
import { OWNER_NAME } from './format.js'

const COUNT_EVERY_MS = 1_000
const WATCH_MS = 10_000
const LOOK_EVERY_MS = 500
const FILE_BYTES = 512
const HOST_CHARS_MAX = 128

export interface OwnerOptions {
  /** The file of another node, or of another boot of this one, is watched before the log is opened. */
  readonly onWatch: (host: string, forMs: number) => void
  /** The file cannot be written: without it no other node is kept away. Told once, until it can be again. */
  readonly onFailure: (error: Error) => void
  readonly node: Node
  readonly time?: OwnerTime
}

export interface Node {
  /** The same for all processes of one kernel from its boot on, in containers too; another one for all others. */
  readonly hostId: string
  /** For people. */
  readonly host: string
}

export interface OwnerTime {
  monotonicMs(): number
  pause(ms: number): Promise<unknown>
  readonly after: Clock['after']
}

const SYSTEM_TIME: OwnerTime = { monotonicMs: () => performance.now(), pause, after: systemClock.after }

/** The same files, whose lock also keeps other nodes away. */
export function guardedByOwner(files: Files, options: OwnerOptions): Files {
  return {
    ...files,
    async lock(directory: string): Promise<DirectoryLock> {
      const lock = await files.lock(directory)
      let owner: Owner
      try {
        owner = await Owner.claim(directory, options)
      } catch (error) {
        await lock.release()
        throw error
      }
      return {
        holds: async () => !owner.isLost && (await lock.holds()),
        async release() {
          await owner.release()
          await lock.release()
        },
      }
    },
  }
}

class Owner {
  isLost = false
  readonly #handle: FileHandle
  readonly #path: string
  readonly #token = randomBytes(8).toString('hex')
  readonly #options: OwnerOptions
  readonly #time: OwnerTime
  #count = 0
  #failed = false
  #counting: Promise<void> = Promise.resolve()
  #cancel: () => void = () => undefined
  #released = false

  private constructor(handle: FileHandle, directory: string, options: OwnerOptions) {
    this.#handle = handle
    // As the lock does: a directory that is put in the place of this one gets no file.
    const base = process.platform === 'linux' ? `/proc/self/fd/${handle.fd}` : directory
    this.#path = `${base}/${OWNER_NAME}`
    this.#options = options
    this.#time = options.time ?? SYSTEM_TIME
  }

  /** The lock of the directory is held. @throws WalError locked */
  static async claim(directory: string, options: OwnerOptions): Promise<Owner> {
    const handle = await open(directory, constants.O_RDONLY | constants.O_DIRECTORY)
    try {
      const owner = new Owner(handle, directory, options)
      await owner.#watchOther(directory)
      await owner.#write()
      owner.#countOn()
      return owner
    } catch (error) {
      await handle.close()
      throw error
    }
  }

  async release(): Promise<void> {
    this.#released = true
    this.#cancel()
    await this.#counting
    const left = await this.#read().catch(() => undefined) // it stays, and the next start of this boot minds it not
    if (left !== undefined && tokenOf(left) === this.#token) await unlink(this.#path).catch(() => undefined)
    await this.#handle.close()
  }

  async #watchOther(directory: string): Promise<void> {
    const found = await this.#read()
    if (found === undefined || nodeOf(found)?.hostId === this.#options.node.hostId) return
    const host = nodeOf(found)?.host ?? 'unknown'
    this.#options.onWatch(host, WATCH_MS)
    const endMs = this.#time.monotonicMs() + WATCH_MS
    for (let isOver = false; !isOver; ) {
      await this.#time.pause(LOOK_EVERY_MS)
      // Before the look: after a pause that took too long the file is looked at once more.
      isOver = this.#time.monotonicMs() >= endMs
      const now = await this.#read()
      if (now === undefined) return
      if (now !== found) {
        throw new WalError(
          'locked',
          `Another node (${host}) has the log in ${directory} open: its file "${OWNER_NAME}" counts on. Stop the process there, or give this one a directory of its own.`,
        )
      }
    }
  }

  #countOn(): void {
    this.#cancel = this.#time.after(COUNT_EVERY_MS, () => {
      this.#counting = this.#countOnce().then(() => {
        if (!this.#released && !this.isLost) this.#countOn()
      })
    })
  }

  async #countOnce(): Promise<void> {
    const now = await this.#read().catch(() => undefined) // the write fails too, and tells
    if (now !== undefined && tokenOf(now) !== this.#token) this.isLost = true
    else await this.#write()
  }

  async #write(): Promise<void> {
    this.#count += 1
    const { hostId, host } = this.#options.node
    const named = { hostId, host: host.slice(0, HOST_CHARS_MAX), pid: process.pid, token: this.#token }
    const text = JSON.stringify({ ...named, count: this.#count })
    try {
      const file = await open(this.#path, constants.O_WRONLY | constants.O_CREAT, 0o640)
      try {
        await file.write(`${text.padEnd(FILE_BYTES - 1)}\n`) // from the beginning
      } finally {
        await file.close()
      }
      this.#failed = false
    } catch (error) {
      if (!this.#failed) this.#options.onFailure(asError(error))
      this.#failed = true
    }
  }

  /** undefined: there is none. */
  async #read(): Promise<string | undefined> {
    try {
      return await readFile(this.#path, 'utf8')
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return undefined
      throw error
    }
  }
}

/** undefined: it was not written to its end. */
function fieldsOf(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return Object(JSON.parse(text))
  } catch {
    return undefined
  }
}

function tokenOf(text: string): unknown {
  return fieldsOf(text)?.token
}

function nodeOf(text: string): Node | undefined {
  const { hostId, host } = fieldsOf(text) ?? {}
  return typeof hostId === 'string' && typeof host === 'string' ? { hostId, host } : undefined
}
