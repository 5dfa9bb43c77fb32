import { mkdir, rm } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { DirectoryLock } from './files.js'
import { nodeFiles } from './node-files.js'
import { guardedByOwner, type OwnerTime } from './owner.js'
import { type TemporaryDirectory, temporaryDirectory } from './testing/temporary-log.js'

let directory: TemporaryDirectory
/** The time of all nodes, which passes only while one of them watches. */
let nowMs: number
/** What happens meanwhile. */
let meanwhile: () => Promise<void>
let locks: DirectoryLock[] = []

beforeEach(async () => {
  directory = await temporaryDirectory()
  nowMs = 0
  meanwhile = async () => {}
})
afterEach(async () => {
  await Promise.allSettled(locks.map((lock) => lock.release()))
  locks = []
  await directory.remove()
})

/** A process on a node, which sees no lock of another node. */
class NodeUnderTest {
  readonly failures: string[] = []
  readonly watched: string[] = []
  #tasks: (() => void)[] = []

  constructor(readonly name: string) {}

  async open(hostId = `boot of ${this.name}`): Promise<DirectoryLock> {
    const time: OwnerTime = {
      monotonicMs: () => nowMs,
      pause: async (ms) => {
        nowMs += ms
        await meanwhile()
      },
      after: (_ms, task) => {
        this.#tasks.push(task)
        return () => {
          this.#tasks = []
        }
      },
    }
    const noLock = { ...nodeFiles, lock: async () => ({ holds: async () => true, release: async () => {} }) }
    const files = guardedByOwner(noLock, {
      ...{ node: { hostId, host: this.name }, time },
      onWatch: (host) => this.watched.push(host),
      onFailure: ({ message }) => this.failures.push(message),
    })
    const lock = await files.lock(directory.path)
    locks.push(lock)
    return lock
  }

  /** A second passes for it: it counts on, and is done with that when it would count again, or never will. */
  async second(): Promise<void> {
    const [task] = this.#tasks.splice(0)
    task?.()
    for (let turns = 0; turns < 200 && this.#tasks.length === 0; turns += 1) {
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
  }
}

describe('the owner of a directory', () => {
  it('keeps another node away while it counts on, whatever the lock says', async () => {
    const [one, two] = [new NodeUnderTest('node-1'), new NodeUnderTest('node-2')]
    const lock = await one.open()
    meanwhile = () => one.second()
    await expect(two.open()).rejects.toMatchObject({
      code: 'locked',
      message: expect.stringMatching(/Another node \(node-1\) .* counts on/),
    })
    expect(nowMs).toBeLessThan(2_000)
    expect(await lock.holds()).toBe(true)
    await lock.release()
    expect(await directory.list()).toEqual([])
  })

  it('that counts on in the last second is noticed still', async () => {
    const [one, two] = [new NodeUnderTest('node-1'), new NodeUnderTest('node-2')]
    await one.open()
    meanwhile = async () => {
      if (nowMs >= 10_000) await one.second()
    }
    await expect(two.open()).rejects.toMatchObject({ code: 'locked' })
    expect(nowMs).toBe(10_000)
  })

  it('that stands still for ten seconds is followed by the other, and ends when it goes on', async () => {
    const [one, two] = [new NodeUnderTest('node-1'), new NodeUnderTest('node-2')]
    const lost = await one.open()
    const lock = await two.open()
    expect([nowMs, two.watched]).toEqual([10_000, ['node-1']])
    await one.second()
    expect([await lost.holds(), await lock.holds()]).toEqual([false, true])
    await lost.release()
    await two.second()
    expect(await lock.holds()).toBe(true)
  })

  it('costs no time after a crash on the same boot, nor after a clean stop anywhere', async () => {
    const [one, two] = [new NodeUnderTest('node-1'), new NodeUnderTest('node-2')]
    await one.open()
    const again = await one.open()
    await again.release()
    await (await two.open()).release()
    expect([nowMs, one.watched, two.watched]).toEqual([0, [], []])
  })

  it('is watched after a crash of the whole node, for ten seconds, and not when it stops meanwhile', async () => {
    const [one, two] = [new NodeUnderTest('node-1'), new NodeUnderTest('node-2')]
    await one.open('before the power cut')
    const lock = await one.open('after it')
    expect(nowMs).toBe(10_000)
    meanwhile = () => lock.release()
    await two.open()
    expect(nowMs).toBe(10_500)
  })

  it('says once that it cannot count, and again after it could', async () => {
    const node = new NodeUnderTest('node-1')
    const lock = await node.open()
    const block = async (): Promise<void> => {
      await rm(directory.file('owner'))
      await mkdir(directory.file('owner'))
    }
    await block()
    await node.second()
    await node.second()
    expect(node.failures).toEqual([expect.stringContaining('EISDIR')])
    await rm(directory.file('owner'), { recursive: true })
    await node.second()
    await block()
    await node.second()
    expect(node.failures).toHaveLength(2)
    expect(await lock.holds()).toBe(true)
    await lock.release()
  })

  it('writes what fits over what was there, so that a full disk does not matter', async () => {
    const node = new NodeUnderTest('node-1')
    const lock = await node.open()
    const first = await directory.read('owner')
    await node.second()
    const second = await directory.read('owner')
    expect([first.length, second.length]).toEqual([512, 512])
    expect(JSON.parse(second.toString())).toMatchObject({ host: 'node-1', count: 2 })
    await lock.release()
  })
})
