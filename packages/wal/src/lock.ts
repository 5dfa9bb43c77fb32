/*
 * One writer, by a lock that a dead process cannot keep and that needs no native module.
 *
 * Each process that wants the directory listens on a Unix socket of its own in it, `lock.<16 random hex>`,
 * then lists the directory and connects to every other such socket. Accepted: its process lives, so the
 * directory is taken. Refused: its process is dead, and the name is removed. Who finds no other has the lock,
 * and keeps listening while it has it.
 *
 * Why two cannot both win: each listens before it lists. Of two, the one that lists later finds the name of
 * the other, and finds it listening, unless someone removed that name. A name is removed only by who was
 * refused there, that is before its process listened; so each looks for its own name in its own listing,
 * which it made after it listened: if it is there, no process will remove it any more, and if not, it starts
 * again under a new name. Names are random and never used twice, so nothing removes the wrong socket, which
 * is what goes wrong when one name is shared and a stale socket is replaced.
 *
 * Of two that find each other while starting, the greater name goes away at once and the smaller looks again
 * a few times. A stopped process (SIGSTOP) still counts as living: the kernel accepts for it.
 *
 * Sockets are seen by all processes of one machine that see the directory, in other containers too, but not
 * by other machines: a directory on a network file system is not protected from these.
 */

import { randomBytes } from 'node:crypto'
import * as fs from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { asError, systemCode, WalError } from './errors.js'
import type { DirectoryLock } from './files.js'

const LOOKS_MAX = 8
const LOOK_AGAIN_MS = 50
const CONNECT_TIMEOUT_MS = 2_000

/** Takes the lock of the directory, or rejects with the WalError `locked`. */
export async function lockDirectory(directory: string): Promise<DirectoryLock> {
  const handle = await fs.promises.open(directory, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY)
  // socket addresses end at 108 bytes; through the descriptor the directory's own path does not count
  const base = process.platform === 'linux' ? `/proc/self/fd/${handle.fd}` : directory
  try {
    const { server, name } = await contend(directory, base)
    return {
      holds: () => exists(join(directory, name)),
      async release() {
        await closeServer(server) // also removes the name
        await handle.close()
      },
    }
  } catch (error) {
    await handle.close()
    throw error
  }
}

async function contend(directory: string, base: string): Promise<{ server: Server; name: string }> {
  for (let attempt = 0; attempt < LOOKS_MAX; attempt++) {
    const name = `lock.${randomBytes(8).toString('hex')}`
    const server = await listen(join(base, name), directory)
    const verdict = await look(directory, base, name)
    if (verdict === 'won') return { server, name }
    await closeServer(server)
    if (verdict === 'taken') throw lockedError(directory)
  }
  throw lockedError(directory)
}

/** Other errors of the look-up do not mean that the name is absent. */
async function exists(path: string): Promise<boolean> {
  try {
    await fs.promises.lstat(path)
    return true
  } catch (error) {
    return !['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '')
  }
}

/** `again`: this name was removed by another starter before it listened. */
async function look(directory: string, base: string, own: string): Promise<'won' | 'taken' | 'again'> {
  for (let looks = 0; looks < LOOKS_MAX; looks++) {
    const names = (await fs.promises.readdir(directory)).filter((name) => /^lock\.[0-9a-f]{16}$/.test(name))
    if (!names.includes(own)) return 'again'
    const alive: string[] = []
    for (const name of names) {
      if (name !== own && (await isAlive(base, name))) alive.push(name)
    }
    if (alive.length === 0) return 'won'
    if (alive.some((name) => name < own)) return 'taken'
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS))
  }
  return 'taken'
}

async function isAlive(base: string, name: string): Promise<boolean> {
  const path = join(base, name)
  const refusal = await connectOnce(path)
  if (refusal === 'ENOENT') return false
  if (refusal !== 'ECONNREFUSED') return true // accepted, or an error that does not prove its process dead
  await fs.promises.unlink(path).catch((error: unknown) => {
    if (systemCode(error) !== 'ENOENT') throw error // another starter was faster
  })
  return false
}

/** The code of the error with which connecting failed; `undefined` when it was accepted. */
function connectOnce(path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect(path)
    socket.setTimeout(CONNECT_TIMEOUT_MS)
    const end = (code: string | undefined) => {
      socket.destroy()
      resolve(code)
    }
    socket.once('connect', () => end(undefined))
    socket.once('timeout', () => end('ETIMEDOUT'))
    socket.once('error', (error) => end(systemCode(error) ?? 'unknown'))
  })
}

function listen(path: string, directory: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy())
    server.once('error', (error) => {
      const hint = `Cannot make the lock socket in ${directory}: the file system must hold Unix sockets, and the path must be short where /proc is missing.`
      reject(new WalError('invalid', hint, error))
    })
    server.listen(path, () => {
      server.removeAllListeners('error')
      // accepting may fail later (out of descriptors); the lock is the listening, which goes on
      server.on('error', () => undefined)
      server.unref()
      resolve(server)
    })
  })
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.close((error) => (error === undefined ? resolve() : reject(asError(error))))
  })
}

function lockedError(directory: string): WalError {
  return new WalError(
    'locked',
    `Another process has the log in ${directory} open. Stop it first, or give this one a directory of its own.`,
  )
}
