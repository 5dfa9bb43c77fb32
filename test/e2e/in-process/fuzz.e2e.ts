import { describe, expect, it } from 'vitest'
import { failureText, fuzzTargets } from '../../src/fuzz/index.js'
import { FUZZ_KEY_TEXT } from '../../src/fuzz/records.js'
import { sendAll, socketTargets } from '../../src/fuzz/sockets.js'
import { metricsOf } from '../../src/metrics.js'
import { useSystemInProcess } from '../../src/system.js'

// The short form of npm run fuzz: some seconds of CPU. What it finds is found again from the seed.
const FROM = Number(process.env.FUZZ_FROM ?? 20_260_101)
const INPUTS = {
  ...{ record: 3_000, grpc: 2_500, frames: 2_000, csv: 1_500 },
  ...{ http: 400, 'http-raw': 300, 'grpc-front': 300 },
}

const system = useSystemInProcess('fuzz', { env: { PCS_HMAC_KEY: FUZZ_KEY_TEXT } })
const place = () => ({ httpPort: system().site.port, grpcAddress: system().constellation.grpcAddress })

function targetOf<Target extends { readonly name: string }>(
  targets: readonly Target[],
  name: string,
): Target {
  const target = targets.find((candidate) => candidate.name === name)
  if (!target) throw new Error(`there is no target ${name}`)
  return target
}

describe('fuzzed inputs', () => {
  it.each([
    ['record', ['200', '202', '400', '401']],
    ['grpc', ['gateway: 200', 'gateway: 400', 'gateway: 401', 'gateway: malformed', 'service: message']],
    ['frames', ['some of all', 'mended: some of them', 'no header', 'a header']],
    ['csv', ['refused', 'read', 'built, 200']],
  ] as const)('of %s are read as the contract says, and reach far', async (name, reached) => {
    const { input, feed } = targetOf(fuzzTargets, name)
    const seen = new Set<string>()
    for (let seed = FROM; seed < FROM + INPUTS[name]; seed += 1) {
      try {
        seen.add(await feed(input(seed)))
      } catch (error) {
        throw new Error(failureText({ name, input }, seed, String(error)), { cause: error })
      }
    }
    expect([...seen]).toEqual(expect.arrayContaining([...reached]))
  })

  it.each([
    ['http-raw', ['200', '400', '404', '405', '415', 'closed']],
    ['grpc-front', ['OK', 'INVALID_ARGUMENT', 'UNAUTHENTICATED', 'RESOURCE_EXHAUSTED']],
  ] as const)('of %s are answered as the contract says', async (name, reached) => {
    expect(Object.keys(await sent(name))).toEqual(expect.arrayContaining([...reached]))
  })

  it('of http never make a 5xx, and each is in the log with the status that it was answered with', async () => {
    const { client, wal } = system()
    await wal.untilNothingOpen(10_000)
    const before = (await metricsOf(client)).value('flk_ingest_total')
    const from = (await wal.state()).nextSequence
    const answered = new Map<number, number>()
    for (const [what, count] of Object.entries(await sent('http'))) {
      const status = Number.parseInt(what, 10)
      answered.set(status, (answered.get(status) ?? 0) + count)
    }
    expect([...answered.keys()]).toEqual(expect.arrayContaining([200, 202, 400, 401]))
    answered.delete(413)
    await wal.untilNothingOpen(10_000)
    const marked = new Map<number, number>()
    for (const { mark } of await wal.marks(from)) marked.set(mark.status, (marked.get(mark.status) ?? 0) + 1)
    expect(marked).toEqual(answered)
    const taken = [...answered.values()].reduce((sum, count) => sum + count, 0)
    expect((await metricsOf(client)).value('flk_ingest_total') - before).toBe(taken)
  })

  async function sent(name: keyof typeof INPUTS): Promise<Readonly<Record<string, number>>> {
    const target = targetOf(socketTargets, name)
    const { failures, totals } = await sendAll(target, place(), { from: FROM, bodies: INPUTS[name] })
    expect(failures.map(({ seed, message }) => failureText(target, seed, message))).toEqual([])
    // Also what the contract allows, where nothing was under load, is looked at.
    expect(
      Object.keys(totals[name] ?? {}).filter((what) => what.includes('503') || what === 'UNAVAILABLE'),
    ).toEqual([])
    return totals[name] ?? {}
  }
})
