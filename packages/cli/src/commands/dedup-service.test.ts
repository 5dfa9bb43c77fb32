import { dedup } from '@fractal-lba/proto'
import { grpcService, startGrpcServer, unavailable } from '@fractal-lba/runtime'
import { describe, expect, it, onTestFinished } from 'vitest'
import { runPcs } from '../testing/run-pcs.js'

// What they do with a service is in test/e2e/dedup-tools.servers.e2e.ts, over real stores.

const { KIND_DIFFERENT, KIND_MISSING } = dedup.Difference_Kind

/** A dedup service that streams what it is given, and then ends, perhaps with an error. */
async function serviceThatTells(told: {
  readonly rebuild?: readonly dedup.RebuildResponse[]
  readonly verify?: readonly dedup.VerifyResponse[]
  readonly error?: Error
}): Promise<string> {
  const tell = <Response>(responses: readonly Response[] = []) =>
    async function* (): AsyncGenerator<Response> {
      yield* responses
      if (told.error) throw told.error
    }
  const handlers = { rebuild: tell(told.rebuild), verify: tell(told.verify) }
  const server = await startGrpcServer('127.0.0.1:0', [grpcService(dedup.DedupServiceService, handlers)])
  onTestFinished(() => server.stop(0))
  return `127.0.0.1:${server.port}`
}

describe.each(['verify', 'rebuild'])('pcs dedup %s', (name) => {
  it('says that nobody is there', async () => {
    const { code, out, err } = await runPcs(['dedup', name, '--addr', '127.0.0.1:9'])
    expect({ code, out }).toEqual({ code: 3, out: '' })
    expect(err).toBe('pcs: no dedup service answers at 127.0.0.1:9: is it running?\n')
  })

  it('tells why the service does not do it now', async () => {
    const error = unavailable('the index is being filled from the log: 40 %')
    const address = await serviceThatTells({ error })
    const { code, out } = await runPcs(['dedup', name], { env: { DEDUP_ADDR: address } })
    expect({ code, out }).toEqual({ code: 3, out: '' })
  })

  it.each([
    { given: ['--addr', 'nowhere'], env: {}, sentence: '--addr must be HOST:PORT' },
    { given: [], env: { DEDUP_ADDR: 'http://a' }, sentence: 'DEDUP_ADDR is not host:port' },
    { given: [], env: { PORT: 'abc' }, sentence: 'PORT is not a whole number' },
    { given: ['--timeout-ms', '0'], env: {}, sentence: '--timeout-ms must be a whole number' },
  ])('refuses $given $env', async ({ given, env, sentence }) => {
    const { code, err } = await runPcs(['dedup', name, ...given], { env })
    expect(code).toBe(2)
    expect(err).toContain(sentence)
  })
})

describe('pcs dedup verify', () => {
  const stretch = {
    ...{ logAddress: 'wal:1', logId: 'a'.repeat(32), fromSequence: 1, nextSequence: 5, endSequence: 9 },
    ...{ marks: 3, missing: 0, different: 0, unreadable: 0, differences: [] },
  }

  it('adds up, and is content when all agree', async () => {
    const verify = [stretch, { ...stretch, fromSequence: 5, nextSequence: 9 }]
    const { code, out } = await runPcs(['dedup', 'verify', '--addr', await serviceThatTells({ verify })])
    expect(code).toBe(0)
    expect(out).toContain('6 marks of 1 logs compared')
  })

  it('names what differs, and ends with 1', async () => {
    const differences = [
      { kind: KIND_MISSING, sequence: 2, pcsId: 'b'.repeat(64) },
      { kind: KIND_DIFFERENT, sequence: 4, pcsId: 'c'.repeat(64) },
    ]
    const verify = [{ ...stretch, missing: 30, different: 1, differences }]
    const address = await serviceThatTells({ verify })
    const { code, out, err } = await runPcs(['dedup', 'verify', '--addr', address])
    expect(code).toBe(1)
    expect(out).toContain(`  missing     ${'a'.repeat(32)}/2  ${'b'.repeat(64)}\n`)
    expect(out).toContain('and 29 more')
    expect(err).toContain('pcs dedup rebuild mends')
    const asJson = await runPcs(['dedup', 'verify', '--addr', address, '--json'])
    expect(asJson.code).toBe(1)
    expect(JSON.parse(asJson.out)).toMatchObject({
      missing: 30,
      different: 1,
      differences: [{ kind: 'missing', sequence: 2 }, { kind: 'different' }],
    })
  })
})

describe('pcs dedup rebuild', () => {
  it('ends with 1 when marks contradict each other', async () => {
    const report = {
      ...{ marks: 7, corrected: 2, contradictory: 1, unreadable: 0 },
      ...{ remembered: 6, generation: 'g' },
    }
    const rebuild = [
      { share: 0.5, refusal: 'the index is being filled', report: undefined },
      { share: 1, refusal: '', report },
    ]
    const address = await serviceThatTells({ rebuild })
    const { code, out, err } = await runPcs(['dedup', 'rebuild', '--addr', address])
    expect(code).toBe(1)
    expect(out).toContain('marks      7 read\ncorrected  2 ')
    expect(err).toContain('contradict each other: 1')
  })
})
