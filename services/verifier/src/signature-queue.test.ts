import { setTimeout as sleep } from 'node:timers/promises'
import type { Ed25519PublicKey } from '@fractal-lba/pcs'
import { ed25519PrivateKey } from '@fractal-lba/pcs'
import { describe, expect, it } from 'vitest'
import { SignatureQueue } from './signature-queue.js'

const digest = Buffer.alloc(32, 1)
const signature = Buffer.alloc(64, 2)

/** A key whose checks end when they are told to. */
function slowKey() {
  const ends: ((fits: boolean) => void)[] = []
  const key = { verifyAside: () => new Promise<boolean>((resolve) => ends.push(resolve)) }
  return { key: key as unknown as Ed25519PublicKey, ends }
}

const until = (said: () => boolean): Promise<unknown> => expect.poll(said).toBe(true)

describe('the signatures on their way', () => {
  it('are handed over so many at a time, in order, and refused beyond what may wait', async () => {
    const { key, ends } = slowKey()
    const queue = new SignatureQueue({ underWayMax: 2, waitingMax: 1, waitMaxMs: 60_000 })
    const answers = [0, 1, 2].map(() => queue.check(key, digest, signature))
    expect([ends.length, queue.waiting]).toEqual([2, 1])
    await expect(queue.check(key, digest, signature)).rejects.toMatchObject({ code: 'unavailable' })
    ends[1]?.(true)
    expect(await answers[1]).toBe(true)
    await until(() => ends.length === 3)
    expect(queue.waiting).toBe(0)
    ends[0]?.(false)
    ends[2]?.(true)
    expect(await Promise.all(answers)).toEqual([false, true, true])
  })

  it('are not checked for somebody who has given up', async () => {
    const { key, ends } = slowKey()
    const queue = new SignatureQueue({ underWayMax: 1, waitingMax: 9, waitMaxMs: 20 })
    const first = queue.check(key, digest, signature)
    const late = queue.check(key, digest, signature)
    const refused = expect(late).rejects.toThrow('the signature was not checked within 20 ms')
    await sleep(40)
    ends[0]?.(true)
    await Promise.all([first, refused])
    expect(ends).toHaveLength(1)
  })

  it('make room again after a check that fails by itself', async () => {
    const queue = new SignatureQueue({ underWayMax: 1, waitingMax: 9, waitMaxMs: 60_000 })
    const broken = { verifyAside: () => Promise.reject(new Error('no memory')) }
    const failed = queue.check(broken as unknown as Ed25519PublicKey, digest, signature)
    const { publicKey } = ed25519PrivateKey(Buffer.alloc(32, 7).toString('base64'))
    const next = queue.check(publicKey, digest, signature)
    await expect(failed).rejects.toThrow('no memory')
    expect(await next).toBe(false)
  })

  it('leave this thread to others', async () => {
    const key = ed25519PrivateKey(Buffer.alloc(32, 7).toString('base64'))
    const queue = new SignatureQueue({ underWayMax: 128, waitingMax: 4_096, waitMaxMs: 60_000 })
    const signed = key.sign(digest)
    let turns = 0
    let answered = false
    const count = (): void => {
      turns += 1
      if (!answered) setImmediate(count)
    }
    setImmediate(count)
    const answers = Array.from({ length: 256 }, () => queue.check(key.publicKey, digest, signed))
    expect((await Promise.all(answers)).every(Boolean)).toBe(true)
    answered = true
    // Checked here, all of them would be answered before this thread comes to anything else.
    expect(turns).toBeGreaterThan(1)
  })
})
