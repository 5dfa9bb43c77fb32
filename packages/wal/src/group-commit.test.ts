import { describe, expect, it } from 'vitest'
import { isWalError, WalError } from './errors.js'
import { GroupCommit, type Weight } from './group-commit.js'

const ONE: Weight = { records: 1, bytes: 10 }

interface Setup {
  readonly queue: GroupCommit<string>
  /** the groups as they were committed */
  readonly groups: string[][]
  /** lets the commit under way end, with that error if one is given */
  release(error?: Error): Promise<void>
  readonly fatal: Error[]
}

/** A queue whose commits end when the test says so. */
function setup(limits: { groupMax?: Weight; queueMax?: Weight } = {}): Setup {
  const groups: string[][] = []
  const fatal: Error[] = []
  let end: ((error?: Error) => void) | undefined
  const queue = new GroupCommit<string>({
    commit: (items) => {
      groups.push([...items])
      return new Promise((resolve, reject) => {
        end = (error) => (error === undefined ? resolve() : reject(error))
      })
    },
    groupMax: () => limits.groupMax ?? { records: 100, bytes: 10_000 },
    queueMax: limits.queueMax ?? { records: 1000, bytes: 100_000 },
    onFatal: (error) => fatal.push(error),
  })
  return {
    queue,
    groups,
    fatal,
    async release(error) {
      const ending = end
      if (ending === undefined) throw new Error('nothing is being committed')
      end = undefined
      ending(error)
      await turns()
    },
  }
}

/** Some turns of the event loop. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve))
}

/** The outcome of a promise so far. */
function watch(promise: Promise<void>): { state: 'waiting' | 'resolved' | string } {
  const watched: { state: string } = { state: 'waiting' }
  promise.then(
    () => {
      watched.state = 'resolved'
    },
    (error: unknown) => {
      watched.state = isWalError(error) ? error.code : String(error)
    },
  )
  return watched
}

describe('GroupCommit', () => {
  it('commits a lone item without waiting for others', async () => {
    const { queue, groups, release } = setup()
    const first = watch(queue.submit('a', ONE))
    await turns()
    expect(groups).toEqual([['a']])
    expect(first.state).toBe('waiting')
    await release()
    expect(first.state).toBe('resolved')
  })

  it('puts what arrives during a commit into the next group, and only one is under way', async () => {
    const { queue, groups, release } = setup()
    const a = watch(queue.submit('a', ONE))
    await turns()
    const later = [watch(queue.submit('b', ONE)), watch(queue.submit('c', ONE))]
    await turns()
    expect(groups).toEqual([['a']])
    await release()
    expect(a.state).toBe('resolved')
    expect(groups).toEqual([['a'], ['b', 'c']])
    expect(later.map(({ state }) => state)).toEqual(['waiting', 'waiting'])
    await release()
    expect(later.map(({ state }) => state)).toEqual(['resolved', 'resolved'])
  })

  it('puts what arrives in one turn of the event loop into one group', async () => {
    const { queue, groups } = setup()
    for (const item of ['a', 'b', 'c']) watch(queue.submit(item, ONE))
    await turns()
    expect(groups).toEqual([['a', 'b', 'c']])
  })

  it.each([
    ['records', { records: 2, bytes: 10_000 }],
    ['bytes', { records: 100, bytes: 20 }],
  ])('bounds a group by %s', async (_name, groupMax) => {
    const { queue, groups, release } = setup({ groupMax })
    for (const item of ['a', 'b', 'c']) watch(queue.submit(item, ONE))
    await turns()
    await release()
    expect(groups).toEqual([['a', 'b'], ['c']])
  })

  it('commits an item alone that exceeds the bounds of a group', async () => {
    const { queue, groups, release } = setup({ groupMax: { records: 1, bytes: 1 } })
    watch(queue.submit('large', { records: 9, bytes: 900 }))
    watch(queue.submit('b', ONE))
    await turns()
    expect(groups).toEqual([['large']])
    await release()
    expect(groups).toEqual([['large'], ['b']])
  })

  it.each([
    ['records', { records: 2, bytes: 1000 }],
    ['bytes', { records: 100, bytes: 20 }],
  ])(
    'refuses at once when the queue is full by %s, counting what is being committed',
    async (_name, queueMax) => {
      const { queue, release } = setup({ queueMax })
      watch(queue.submit('a', ONE))
      await turns()
      watch(queue.submit('b', ONE))
      const refused = watch(queue.submit('c', ONE))
      await turns()
      expect(refused.state).toBe('queue_full')
      await release()
      const taken = watch(queue.submit('d', ONE))
      await turns()
      expect(taken.state).toBe('waiting')
    },
  )

  it('rejects everything after a failed commit, and tells of it once', async () => {
    const { queue, groups, fatal, release } = setup({ groupMax: { records: 1, bytes: 10 } })
    const waiting = ['a', 'b', 'c'].map((item) => watch(queue.submit(item, ONE)))
    await turns()
    const cause = new Error('EIO')
    await release(cause)
    const late = watch(queue.submit('d', ONE))
    await turns()
    expect([...waiting, late].map(({ state }) => state)).toEqual(['failed', 'failed', 'failed', 'failed'])
    expect(groups).toEqual([['a']])
    expect(fatal).toEqual([cause])
  })

  it('acknowledges nothing that was being committed when something else failed', async () => {
    const { queue, fatal, release } = setup()
    const item = watch(queue.submit('a', ONE))
    await turns()
    queue.fail(new Error('a background flush failed'))
    await release()
    expect(item.state).toBe('failed')
    expect(fatal).toHaveLength(1)
  })

  it('tells of one failure only, though others follow', async () => {
    const { queue, fatal, release } = setup()
    const item = watch(queue.submit('a', ONE))
    await turns()
    const first = new Error('a background flush failed')
    queue.fail(first)
    await release(new Error('EIO'))
    queue.fail(new Error('another'))
    expect(item.state).toBe('failed')
    expect(fatal).toEqual([first])
  })

  it('rejects only the group that was refused for want of space', async () => {
    const { queue, fatal, release } = setup({ groupMax: { records: 1, bytes: 10 } })
    const [a, b] = ['a', 'b'].map((item) => watch(queue.submit(item, ONE)))
    await turns()
    await release(new WalError('out_of_space', 'full'))
    expect(a?.state).toBe('out_of_space')
    await release()
    expect(b?.state).toBe('resolved')
    expect(fatal).toEqual([])
  })

  it('settles what is in before it closes, and takes nothing more', async () => {
    const { queue, release } = setup()
    const a = watch(queue.submit('a', ONE))
    const closed = watch(queue.close())
    const late = watch(queue.submit('b', ONE))
    await turns()
    expect(late.state).toBe('closed')
    expect(closed.state).toBe('waiting')
    await release()
    expect(a.state).toBe('resolved')
    expect(closed.state).toBe('resolved')
  })
})
