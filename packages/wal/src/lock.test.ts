import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readdir } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { lockDirectory } from './lock.js'
import { type TemporaryDirectory, temporaryDirectory } from './testing/temporary-log.js'

/** Other processes run what the build made of lock.ts. */
const BUILT_LOCK = new URL('../dist/lock.js', import.meta.url)
const HOLDER = `
  const { lockDirectory } = await import(process.argv[1])
  try {
    await lockDirectory(process.argv[2])
    process.stdout.write('has it\\n')
    setInterval(() => undefined, 1000)
  } catch (error) {
    process.stdout.write(error.code + '\\n')
  }`

let directory: TemporaryDirectory
let children: ChildProcess[] = []

beforeAll(() => {
  if (!existsSync(BUILT_LOCK)) throw new Error('packages/wal is not built; run npx tsc -b first')
})

beforeEach(async () => {
  directory = await temporaryDirectory()
})

afterEach(async () => {
  await Promise.all(children.map((child) => end(child, 'SIGKILL')))
  children = []
  await directory.remove()
})

/** A process that takes the lock and keeps it; resolves with what it says first. */
async function holder(path = directory.path): Promise<{ child: ChildProcess; says: string }> {
  const arguments_ = ['--input-type=module', '--eval', HOLDER, BUILT_LOCK.href, path]
  const child = spawn(process.execPath, arguments_, { stdio: ['ignore', 'pipe', 'inherit'] })
  children.push(child)
  const says = await new Promise<string>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', () => reject(new Error('the process ended without a word')))
    child.stdout?.once('data', (data: Buffer) => resolve(data.toString().trim()))
  })
  return { child, says }
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill(signal)
  await ended
}

describe('the lock of a directory', () => {
  it('is refused while another process has it, with a sentence that says so', async () => {
    expect((await holder()).says).toBe('has it')
    await expect(lockDirectory(directory.path)).rejects.toMatchObject({
      code: 'locked',
      message: expect.stringContaining(directory.path),
    })
    expect((await holder()).says).toBe('locked')
  })

  it('is free again after kill -9 of its holder', async () => {
    const { child } = await holder()
    await end(child, 'SIGKILL')
    const lock = await lockDirectory(directory.path)
    expect((await readdir(directory.path)).length).toBe(1) // the dead one's socket is gone
    await lock.release()
    expect(await readdir(directory.path)).toEqual([])
  })

  it('is kept by a process that is stopped', async () => {
    const { child } = await holder()
    child.kill('SIGSTOP')
    await expect(lockDirectory(directory.path)).rejects.toMatchObject({ code: 'locked' })
  })

  it('is free again when it was released, in the same process too', async () => {
    const first = await lockDirectory(directory.path)
    await expect(lockDirectory(directory.path)).rejects.toMatchObject({ code: 'locked' })
    await first.release()
    const second = await lockDirectory(directory.path)
    await second.release()
  })

  it('goes to one of several that start at once over the sockets of dead ones', async () => {
    for (let round = 0; round < 15; round++) {
      const dead = await holder()
      expect(dead.says).toBe('has it')
      await end(dead.child, 'SIGKILL')
      const attempts = await Promise.allSettled(
        Array.from({ length: 8 }, () => lockDirectory(directory.path)),
      )
      const winners = attempts.flatMap((attempt) => (attempt.status === 'fulfilled' ? [attempt.value] : []))
      expect(winners).toHaveLength(1)
      for (const winner of winners) await winner.release()
    }
  })

  it('goes to one of several processes', async () => {
    const dead = await holder()
    await end(dead.child, 'SIGKILL')
    const said = await Promise.all(Array.from({ length: 5 }, async () => (await holder()).says))
    expect(said.sort()).toEqual(['has it', 'locked', 'locked', 'locked', 'locked'])
  })

  it('does not mind a path longer than a socket address', async () => {
    const deep = join(directory.path, 'd'.repeat(100), 'e'.repeat(100))
    await mkdir(deep, { recursive: true })
    const lock = await lockDirectory(deep)
    await expect(lockDirectory(deep)).rejects.toMatchObject({ code: 'locked' })
    await lock.release()
  })

  it('leaves sockets alone that are not its own', async () => {
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(join(directory.path, 'other.sock'), resolve))
    const lock = await lockDirectory(directory.path)
    await lock.release()
    expect(await readdir(directory.path)).toEqual(['other.sock'])
    await new Promise((resolve) => other.close(resolve))
  })
})
