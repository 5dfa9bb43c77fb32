import { record, verifier } from '@fractal-lba/proto'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { LostInFlight } from '../errors.js'
import { connect } from './connect.js'
import { type GrpcServer, startGrpcServer } from './grpc-server.js'
import { grpcTransport } from './grpc-transport.js'
import type { HopLimits } from './limits.js'
import { grpcService } from './served.js'
import type { BatchResponse, Transport } from './transport.js'

type Judge = (
  items: readonly verifier.VerifyItem[],
) => Promise<verifier.VerifyResult[]> | verifier.VerifyResult[]

const LIMITS = { batchItemsMax: 256, batchBytesMax: 1e6, queueItemsMax: 1000, timeoutMs: 60_000 }
const cleanups: (() => Promise<void> | void)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function serve(handle: Judge, port = 0): Promise<GrpcServer> {
  const service = grpcService(verifier.VerifierServiceService, { verifyBatches: handle })
  const server = await startGrpcServer(`127.0.0.1:${port}`, [service])
  cleanups.push(() => server.stop(0))
  return server
}

function connectTo(
  port: number,
  limits: Partial<HopLimits> = {},
  batchBytesMax?: number,
  transport = grpcTransport,
  idempotent = false,
) {
  const address = `127.0.0.1:${port}`
  const options = { service: 'verifier', address, limits: { ...LIMITS, ...limits } }
  const peer = connect(verifier.VerifierServiceService, options, { transport })
  const batches = peer.batches('verifyBatches', {
    answer: (result) => result,
    sizeBytes: ({ body }) => body.length,
    idempotent,
    batchBytesMax,
  })
  cleanups.push(() => peer.close())
  return { batches, call: (text: string, deadlineMs?: number) => batches.call(itemOf(text), { deadlineMs }) }
}

/** gRPC, with the first answer changed on its way. */
function changing(change: (response: BatchResponse) => BatchResponse) {
  const seen = { opened: 0, closed: 0 }
  let answers = 0
  const transport: Transport = {
    ...grpcTransport,
    open(endpoint, security) {
      const channel = grpcTransport.open(endpoint, security)
      seen.opened += 1
      const { batches, close } = channel
      channel.batches = (method, events) =>
        batches.call(channel, method, {
          ended: () => events.ended(),
          broken: (error) => events.broken(error),
          response: (response) => {
            answers += 1
            events.response(answers === 1 ? change(response) : response)
          },
        })
      channel.close = () => {
        seen.closed += 1
        close.call(channel)
      }
      return channel
    },
  }
  return { transport, seen }
}

const itemOf = (text: string): verifier.VerifyItem => ({
  body: Buffer.from(text),
  encoding: record.Encoding.ENCODING_JSON,
})
const echo = (item: verifier.VerifyItem): verifier.VerifyResult => ({
  result: { $case: 'error', value: { code: 0, message: item.body.toString(), details: [] } },
  pcsId: '',
})
const textOf = ({ result }: verifier.VerifyResult): string =>
  result?.$case === 'error' ? result.value.message : ''

/** As a process does that gets no CPU, or collects garbage. */
function standStill(durationMs: number): void {
  const endMs = performance.now() + durationMs
  while (performance.now() < endMs);
}

describe('streams of batches', () => {
  it('are bounded by the bytes that an operation names', async () => {
    const sizes: number[] = []
    const { port } = await serve((items) => {
      sizes.push(items.length)
      return items.map(echo)
    })
    const client = connectTo(port, {}, 1_000)
    await Promise.all(Array.from({ length: 30 }, () => client.call('x'.repeat(300))))
    expect(Math.max(...sizes)).toBe(3)
    await client.call('x'.repeat(5_000))
    expect(sizes.at(-1)).toBe(1)
  })

  it('gives each item its own answer and gathers what arrives together', async () => {
    const sizes: number[] = []
    const { port } = await serve(async (items) => {
      sizes.push(items.length)
      await new Promise((resolve) => setTimeout(resolve, 5))
      return items.map(echo)
    })
    const client = connectTo(port)
    const asked = Array.from({ length: 700 }, (_, index) => `item ${index}`)
    const answers = await Promise.all(asked.map((item) => client.call(item)))
    expect(answers.map(textOf)).toEqual(asked)
    expect(Math.max(...sizes)).toBe(256)
    expect(sizes.length).toBeLessThan(6)
  })

  it('keeps a batch below its bytes, but sends an item that is larger alone', async () => {
    const sizes: number[] = []
    const { port } = await serve((items) => {
      sizes.push(items.length)
      return items.map(echo)
    })
    const client = connectTo(port, { batchBytesMax: 100 })
    await Promise.all(['x'.repeat(500), 'y'.repeat(60), 'z'.repeat(60)].map((item) => client.call(item)))
    expect(sizes).toEqual([1, 1, 1])
  })

  it('refuses at once what the queue has no place for', async () => {
    const { port } = await serve(() => new Promise(() => {}))
    const client = connectTo(port, { queueItemsMax: 3, timeoutMs: 200 })
    const results = await Promise.allSettled(Array.from({ length: 5 }, () => client.call('item')))
    const reasons = results.map((result) =>
      result.status === 'rejected' ? String(result.reason.message) : '',
    )
    expect(reasons.filter((reason) => reason.includes('more work waiting'))).toHaveLength(2)
  })

  it('fails what a hung service does not answer, and goes on when it answers again', async () => {
    let hung = false
    const { port } = await serve((items) => (hung ? new Promise(() => {}) : items.map(echo)))
    const client = connectTo(port, { timeoutMs: 150 })
    // On a busy machine 150 ms may be short for a connection or an answer, too.
    const answered = (): Promise<verifier.VerifyResult> =>
      vi.waitFor(() => client.call('a'), { timeout: 30_000 })
    await answered()
    hung = true
    const beganMs = performance.now()
    await expect(client.call('b')).rejects.toMatchObject({ message: 'verifier did not answer in time' })
    expect(performance.now() - beganMs).toBeLessThan(10_000)
    hung = false
    expect(textOf(await answered())).toBe('a')
  })

  it('ends an item at the deadline of the whole, without giving up the stream', async () => {
    const { port } = await serve(async (items) => {
      await new Promise((resolve) => setTimeout(resolve, 300))
      return items.map(echo)
    })
    const client = connectTo(port)
    const patient = client.call('patient')
    await expect(client.call('hurried', performance.now() + 60)).rejects.toMatchObject({
      code: 'unavailable',
    })
    expect(textOf(await patient)).toBe('patient')
  })

  it('takes an answer that was there in time, however late it gets to read it', async () => {
    const { port } = await serve((items) => {
      if (items.some(({ body }) => body.toString() === 'late')) setImmediate(standStill, 1_500)
      return items.map(echo)
    })
    const client = connectTo(port, { timeoutMs: 1_000 })
    const connected = (): Promise<verifier.VerifyResult> => client.call('early')
    await vi.waitFor(connected, { timeout: 30_000 })
    expect(textOf(await client.call('late'))).toBe('late')
  })

  it('says at once that nothing is there, and reconnects by itself', async () => {
    const first = await serve((items) => items.map(echo))
    const client = connectTo(first.port, { timeoutMs: 5000 })
    expect(textOf(await client.call('a'))).toBe('a')
    await first.stop(0)
    await expect(client.call('b')).rejects.toMatchObject({ code: 'unavailable' })
    await serve((items) => items.map(echo), first.port)
    const again = async (): Promise<string> => {
      try {
        return textOf(await client.call('c'))
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 100))
        return again()
      }
    }
    expect(await again()).toBe('c')
  })

  it('finishes the batches under way when the server drains, and only then ends the stream', async () => {
    let stopped: Promise<void> | undefined
    const server = await serve(async (items) => {
      stopped = server.stop(5_000)
      await new Promise((resolve) => setTimeout(resolve, 50))
      return items.map(echo)
    })
    const client = connectTo(server.port)
    const answer = client.call('a')
    expect(textOf(await answer)).toBe('a')
    await stopped
  })

  it('tells of an answer that comes after the call has failed', async () => {
    let answer: (() => void) | undefined
    const { port } = await serve(async (items) => {
      if (items[0]?.body.toString() === 'slow') {
        await new Promise<void>((resolve) => {
          answer = resolve
        })
      }
      return items.map(echo)
    })
    const client = connectTo(port, { timeoutMs: 200, lanes: 1 })
    const late = new Promise((resolve) => {
      client.batches
        .call(itemOf('slow'), { onLate: (result) => resolve(textOf(result)) })
        .catch(() => undefined)
    })
    await vi.waitFor(() => expect(answer).toBeDefined())
    await new Promise((resolve) => setTimeout(resolve, 600))
    // The lane has gone on with another connection meanwhile.
    expect(textOf(await client.call('next'))).toBe('next')
    answer?.()
    expect(await late).toBe('slow')
  })

  it('sends alone what is to be alone, and nothing else before its end', async () => {
    const batches: string[] = []
    const { port } = await serve(async (items) => {
      const name = items.map(({ body }) => body.toString()).join()
      batches.push(`${name} begins`)
      await new Promise((resolve) => setTimeout(resolve, 20))
      batches.push(`${name} ends`)
      return items.map(echo)
    })
    const client = connectTo(port)
    await client.call('first')
    batches.length = 0
    const alone = (text: string) => client.batches.call(itemOf(text), { alone: true })
    await Promise.all([client.call('a'), client.call('b'), alone('c'), alone('d'), client.call('e')])
    const order = ['a,b', 'c', 'd', 'e'].flatMap((name) => [`${name} begins`, `${name} ends`])
    expect(batches).toEqual(order)
  })

  it('tells what a service ended over, and sends it once more only where it was not alone', async () => {
    const seen: string[] = []
    const { port } = await serve((items) => {
      for (const { body } of items) seen.push(body.toString())
      if (items.some(({ body }) => body.toString() === 'deadly')) throw new Error('the end')
      return items.map(echo)
    })
    const client = connectTo(port, { lanes: 1 }, undefined, grpcTransport, true)
    await client.call('first')
    seen.length = 0
    const lost = { code: 'unavailable', message: 'verifier is not reachable', wasAlone: false }
    for (const call of [client.call('deadly'), client.call('beside')]) {
      const error = await call.catch((reason: unknown) => reason)
      expect(error).toBeInstanceOf(LostInFlight)
      expect(error).toMatchObject(lost)
    }
    expect(seen).toEqual(['deadly', 'beside', 'deadly', 'beside'])
    seen.length = 0
    const [alone, beside] = await Promise.allSettled([
      client.batches.call(itemOf('deadly'), { alone: true }),
      client.call('beside'),
    ])
    expect(alone).toMatchObject({
      reason: { wasAlone: true, message: expect.stringContaining('nothing but') },
    })
    expect(beside).toMatchObject({ status: 'fulfilled' })
    expect(seen).toEqual(['deadly', 'beside'])
  })

  it('breaks the stream of a server that answers what was not asked', async () => {
    const { port } = await serve((items) => [...items.map(echo), echo(itemOf('more'))])
    await expect(connectTo(port).call('a')).rejects.toThrow('what was not asked')
  })

  it.each<[string, (response: BatchResponse) => BatchResponse]>([
    ['too few results', (response) => ({ ...response, results: [] })],
    [
      'too many results',
      (response) => ({ ...response, results: [...response.results, ...response.results] }),
    ],
    ['another number', (response) => ({ ...response, batch: response.batch + 1 })],
  ])('closes the lane after an answer with %s, and goes on with a new one', async (_case, change) => {
    const { port } = await serve((items) => items.map(echo))
    const { transport, seen } = changing(change)
    const client = connectTo(port, { lanes: 1 }, undefined, transport)
    await expect(client.call('a')).rejects.toThrow('what was not asked')
    expect(seen).toEqual({ opened: 1, closed: 1 })
    expect(textOf(await client.call('b'))).toBe('b')
    expect(seen).toEqual({ opened: 2, closed: 1 })
  })
})

describe('several clients', () => {
  /** Answers one batch at a time, each when it is told to. */
  async function stepwise(limits: Partial<HopLimits>) {
    const seen: string[][] = []
    const release: (() => void)[] = []
    const server = await serve((items) => {
      seen.push(items.map(({ body }) => body.toString().slice(0, 1)))
      return new Promise((resolve) => release.push(() => resolve(items.map(echo))))
    })
    const { batches } = connectTo(server.port, { lanes: 1, batchItemsMax: 8, ...limits })
    const ask = (client: string, size = 1) =>
      batches.call(itemOf(client.repeat(size)), { client }).then(
        () => 'answered',
        (error: Error) => error.message,
      )
    const step = async (): Promise<void> => {
      await expect.poll(() => release.length).toBeGreaterThan(0)
      release.shift()?.()
    }
    return { seen, ask, step, release }
  }

  it('wait behind their own, not behind one that has sent much', async () => {
    const { seen, ask, step } = await stepwise({})
    const first = ask('x')
    await expect.poll(() => seen.length).toBe(1)
    const flood = Array.from({ length: 100 }, () => ask('x'))
    const honest = [ask('a'), ask('a'), ask('b')]
    for (let count = 0; count < 2; count += 1) await step()
    await Promise.all([first, ...honest])
    expect(seen[1]?.filter((client) => client !== 'x')).toEqual(['a', 'b', 'a'])
    for (let count = 2; count < 14; count += 1) await step()
    expect(new Set(await Promise.all(flood))).toEqual(new Set(['answered']))
  })

  it('get as many bytes as another, not as many items', async () => {
    const { seen, ask, step } = await stepwise({ batchBytesMax: 4_000 })
    const first = ask('x')
    await expect.poll(() => seen.length).toBe(1)
    const large = Array.from({ length: 10 }, () => ask('x', 1_000))
    const small = Array.from({ length: 10 }, () => ask('a', 100))
    for (let count = 0; count < 3; count += 1) await step()
    await first
    // In the bytes of two large ones there is room for all of the small ones.
    expect(
      [...(seen[1] ?? []), ...(seen[2] ?? [])].filter((client) => client === 'a').length,
    ).toBeGreaterThan(8)
    for (let count = 3; count < 8; count += 1) await step().catch(() => undefined)
    await Promise.all([...small, ...large])
  })

  it('leave places for others to wait in', async () => {
    const { seen, ask, step } = await stepwise({ queueItemsMax: 20 })
    const first = ask('x')
    await expect.poll(() => seen.length).toBe(1)
    const flood = Array.from({ length: 30 }, () => ask('x'))
    const honest = ask('a')
    expect((await Promise.all(flood.slice(10)))[0]).toContain('more work waiting')
    for (let count = 0; count < 3; count += 1) await step()
    expect([await first, await honest]).toEqual(['answered', 'answered'])
    expect(await Promise.all(flood.slice(0, 10))).toEqual(Array<string>(10).fill('answered'))
  })
})
