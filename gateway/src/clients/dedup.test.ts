import { dedup, record } from '@fractal-lba/proto'
import {
  AppError,
  defaultHopLimits,
  grpcService,
  inProcessTransport,
  monotonicMs,
  startGrpcServer,
  unavailable,
} from '@fractal-lba/runtime'
import { freePort } from '@fractal-lba/test-servers'
import { describe, expect, it, onTestFinished } from 'vitest'
import { connectDedup } from './dedup.js'

const ANSWER = dedup.Answer.decode(Buffer.alloc(0))
const VERDICT = record.Verdict.decode(Buffer.alloc(0))

/** Two dedup processes, of which the first one does what the test says, and a gateway's client of both. */
async function dedups(first: () => Promise<void>) {
  const transport = inProcessTransport()
  const asked = [0, 0]
  const addresses: string[] = []
  for (const member of [0, 1]) {
    const answer = async <T>(value: T): Promise<T> => {
      asked[member] = (asked[member] ?? 0) + 1
      if (member === 0) await first()
      return value
    }
    const batch = (items: readonly unknown[]) => answer(items.map(() => ANSWER))
    const service = grpcService(dedup.DedupServiceService, {
      get: () => answer({ verdict: VERDICT }),
      lookupBatches: batch,
      putIfAbsentBatches: batch,
    })
    const address = `127.0.0.1:${await freePort()}`
    const server = await startGrpcServer(address, [service], { transport })
    onTestFinished(() => server.stop(0))
    addresses.push(address)
  }
  const client = connectDedup(addresses, { ...defaultHopLimits, timeoutMs: 200 }, { transport })
  onTestFinished(() => client.close())
  return { client, asked }
}

const faults = {
  'is unavailable': async () => {
    throw unavailable('the index is being filled')
  },
  hangs: () => new Promise<void>(() => undefined),
} as const

describe.each(Object.entries(faults))('where one of two dedup processes %s', (_, fault) => {
  it('the other one is asked for outcomes, look-ups and puts within the deadline', async () => {
    const { client, asked } = await dedups(fault)
    const lookup = { pcsId: '', fingerprint: Buffer.alloc(0), origin: undefined }
    for (let count = 0; count < 4; count += 1) {
      const call = { deadlineMs: monotonicMs() + 1_000 }
      expect(await client.get('', call)).toEqual(VERDICT)
      expect(await client.lookup(lookup, call)).toEqual(ANSWER)
      expect(await client.putIfAbsent({ verdict: Buffer.alloc(0) }, call)).toEqual(ANSWER)
    }
    expect(asked[0]).toBeGreaterThan(2)
  })
})

it('an answer that each process would give is the answer', async () => {
  const { client, asked } = await dedups(async () => {
    throw new AppError('pcs_not_found', 'no verdict is stored under this id')
  })
  const settled = await Promise.allSettled([client.get(''), client.get('')])
  expect(settled.filter(({ status }) => status === 'rejected')).toHaveLength(1)
  expect(asked).toEqual([1, 1])
})
