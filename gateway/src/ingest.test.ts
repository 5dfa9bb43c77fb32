import { bytesOfVerdict, dedup, record } from '@fractal-lba/proto'
import { AppError, type CallOptions, createRegistry, monotonicMs, unavailable } from '@fractal-lba/runtime'
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
const SUBMIT_TIMEOUT_MS = 200
const NO_BYTES = Buffer.alloc(0)

/** A gateway's way over a verifier that refuses all records, and logs that the test plays. */
function refusing(
  code: 'unauthenticated' | 'malformed',
  log: Partial<WalClient>,
  ...further: readonly Partial<WalClient>[]
) {
  const verify = async () => new AppError(code, 'refused')
  return way({ verifier: { verify } }, log, ...further)
}

/** A gateway's way over services and logs that the test plays. */
function way(services: object, ...logs: readonly Partial<WalClient>[]) {
  const registry = createRegistry('gateway')
  const counters = createCounters(registry)
  const played = { address: 'log', append: async () => POSITION, markDone: async () => POSITION }
  const wals = logs.map((log) => ({ ...played, ...log }) as WalClient)
  const [wal] = wals
  if (!wal) throw new Error('there is no log')
  const counted = async (name: string): Promise<number> => {
    const { values } = (await registry.getSingleMetric(name)?.get()) ?? { values: [] }
    return values[0]?.value ?? 0
  }
  const parts = { ...services, logsForAppend: () => wals } as unknown as Services
  const looks = { count: 0 }
  const ingest = new Ingest(parts, counters, SUBMIT_TIMEOUT_MS, Date.now, () => {
    looks.count += 1
  })
  return { ingest, wal, counted, looks }
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
  })
})

describe('a log that fails before it answers', () => {
  const down = async (): Promise<never> => {
    throw unavailable('wal is not reachable')
  }

  it('leaves the submission to another one, which marks it; nobody is told of an error', async () => {
    const marked: unknown[] = []
    const second = {
      append: async () => ({ logId: 'second', sequence: 7 }),
      markDone: async (item: unknown) => {
        marked.push(item)
        return POSITION
      },
    }
    const { ingest, counted, looks } = refusing('unauthenticated', { append: down }, second)
    expect(await ingest.submit(submission)).toMatchObject({ code: 'unauthenticated' })
    expect(marked).toMatchObject([{ logId: 'second', mark: { sequence: 7, status: 401 } }])
    expect(await counted('flk_ingest_total')).toBe(1)
    expect(await counted('flk_wal_errors')).toBe(0)
    // So that the next submission does not begin with it.
    expect(looks.count).toBe(1)
  })

  it('and is flushed late has taken the submission too, which is counted once', async () => {
    const late = new Late()
    const { ingest, counted } = refusing('unauthenticated', { append: late.fail }, {})
    await ingest.submit(submission)
    late.answer()
    expect(await counted('flk_ingest_total')).toBe(1)
  })

  it('is one error of the submission with all others; what is flushed late in several is counted once', async () => {
    const [one, other] = [new Late(), new Late()]
    const { ingest, counted } = refusing('unauthenticated', { append: one.fail }, { append: other.fail })
    await expect(ingest.submit(submission)).rejects.toMatchObject({ code: 'unavailable' })
    expect(await counted('flk_wal_errors')).toBe(1)
    expect(await counted('flk_ingest_total')).toBe(0)
    one.answer()
    other.answer()
    expect(await counted('flk_ingest_total')).toBe(1)
  })

  it('has its deadline, which is that of the submission: after it no other is tried', async () => {
    const deadlines: (number | undefined)[] = []
    const slow = async (_item: unknown, options: CallOptions<record.Position> = {}): Promise<never> => {
      deadlines.push(options.deadlineMs)
      await new Promise((resolve) => setTimeout(resolve, (options.deadlineMs ?? 0) - monotonicMs() + 10))
      throw unavailable('wal did not answer in time')
    }
    const { ingest } = refusing('unauthenticated', { append: slow }, { append: slow })
    await expect(ingest.submit(submission)).rejects.toMatchObject({ code: 'unavailable' })
    expect(deadlines).toHaveLength(1)
  })

  it('for another reason than an outage is not left: another one would say the same', async () => {
    const append = async (): Promise<never> => {
      throw new AppError('malformed', 'the request has no item')
    }
    const { ingest, counted } = refusing('unauthenticated', { append }, {})
    await expect(ingest.submit(submission)).rejects.toMatchObject({ code: 'malformed' })
    expect(await counted('flk_ingest_total')).toBe(0)
  })

  it('has a copy whose replay ends with what stands, and moves no counter', async () => {
    const pcsId = 'a'.repeat(64)
    const outcome = { ...record.Outcome.decode(NO_BYTES), pcsId, accepted: true }
    const standing = bytesOfVerdict({ ...record.Verdict.decode(NO_BYTES), outcome })
    const { FINDING_DUPLICATE, FINDING_CONFLICT } = dedup.Finding
    const findings = [FINDING_DUPLICATE, FINDING_CONFLICT]
    const marked: unknown[] = []
    const services = {
      verifier: { verify: async () => ({ record: NO_BYTES, pcsId, idMatches: true }) },
      scoring: { judge: async () => NO_BYTES },
      dedup: { putIfAbsent: async () => ({ finding: findings.shift(), verdict: standing, generation: 'g' }) },
    }
    const markDone = async (item: unknown) => {
      marked.push(item)
      return POSITION
    }
    const { ingest, wal, counted } = way(services, { markDone })
    for (const sequence of [1, 2]) {
      await ingest.replay(submission, { wal, position: { logId: 'log', sequence } })
    }
    const verdict = standing
    expect(marked).toMatchObject([{ mark: { status: 200, verdict } }, { mark: { status: 409, verdict } }])
    const unverified = refusing('unauthenticated', {})
    await unverified.ingest.replay(submission, { wal: unverified.wal, position: POSITION })
    const names = ['flk_ingest_total', 'flk_dedup_hits', 'flk_dedup_conflicts', 'flk_accepted']
    expect(await Promise.all(names.map(counted))).toEqual([0, 0, 0, 0])
    expect(await unverified.counted('flk_signature_err')).toBe(0)
  })
})
