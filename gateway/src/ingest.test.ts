import { record } from '@fractal-lba/proto'
import { AppError, type CallOptions, createRegistry, unavailable } from '@fractal-lba/runtime'
import { describe, expect, it } from 'vitest'
import type { WalClient } from './clients/wal.js'
import { createCounters } from './counters.js'
import { Ingest, type Services } from './ingest.js'

const submission = {
  body: Buffer.from('{}'),
  encoding: record.Encoding.ENCODING_JSON,
  context: undefined,
} as const
const POSITION = { logId: 'log', sequence: 1 }

/** A gateway's way over a verifier that refuses all records, and a log that the test plays. */
function refusing(code: 'unauthenticated' | 'malformed', log: Partial<WalClient>) {
  const registry = createRegistry('gateway')
  const counters = createCounters(registry)
  const wal = { address: 'log', append: async () => POSITION, ...log } as WalClient
  const services = {
    walForAppend: () => wal,
    verifier: { verify: async () => new AppError(code, 'refused') },
  } as unknown as Services
  const counted = async (name: string): Promise<number> => {
    const { values } = (await registry.getSingleMetric(name)?.get()) ?? { values: [] }
    return values[0]?.value ?? 0
  }
  return { ingest: new Ingest(services, counters, 1_000, Date.now), wal, counted }
}

/** A call whose answer comes when the test says so; before, it has failed for want of time or is under way. */
class Late {
  readonly options: CallOptions<record.Position>[] = []
  readonly fail = async (_item: unknown, options: CallOptions<record.Position> = {}): Promise<never> => {
    this.options.push(options)
    throw unavailable('wal did not answer in time')
  }

  answer(): void {
    for (const { onLate } of this.options) onLate?.(POSITION)
  }
}

describe('a refused record', () => {
  it('is answered with 401 only when its mark is flushed: no replay may come to anything else', async () => {
    let flushed: (() => void) | undefined
    const { ingest } = refusing('unauthenticated', {
      markDone: () =>
        new Promise((resolve) => {
          flushed = () => resolve(POSITION)
        }),
    })
    let answer: unknown
    const answered = ingest.submit(submission).then((given) => {
      answer = given
    })
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(answer).toBeUndefined()
    flushed?.()
    await answered
    expect(answer).toMatchObject({ code: 'unauthenticated' })
  })

  it('is not told a 401 where its mark fails', async () => {
    const { ingest } = refusing('unauthenticated', { markDone: new Late().fail })
    await expect(ingest.submit(submission)).rejects.toMatchObject({ code: 'unavailable' })
  })

  it('is answered with 400 before its mark is flushed: a replay comes to the same', async () => {
    const { ingest } = refusing('malformed', { markDone: () => new Promise(() => undefined) })
    expect(await ingest.submit(submission)).toMatchObject({ code: 'malformed' })
  })
})

describe('what was flushed after the deadline', () => {
  it('is counted when it is an append', async () => {
    const late = new Late()
    const { ingest, counted } = refusing('unauthenticated', { append: late.fail })
    await expect(ingest.submit(submission)).rejects.toMatchObject({ code: 'unavailable' })
    expect(await counted('flk_ingest_total')).toBe(0)
    late.answer()
    expect(await counted('flk_ingest_total')).toBe(1)
  })

  it('is counted once when it is a mark, whether a replay makes another or not', async () => {
    const late = new Late()
    const { ingest, wal, counted } = refusing('unauthenticated', { markDone: late.fail })
    await expect(ingest.submit(submission)).rejects.toMatchObject({ code: 'unavailable' })
    expect(await counted('flk_signature_err')).toBe(0)
    late.answer()
    expect(await counted('flk_signature_err')).toBe(1)
    wal.markDone = async () => POSITION
    await ingest.replay(submission, { wal, position: POSITION })
    expect(await counted('flk_signature_err')).toBe(1)
    await ingest.replay(submission, { wal, position: { logId: 'log', sequence: 2 } })
    expect(await counted('flk_signature_err')).toBe(2)
  })
})
