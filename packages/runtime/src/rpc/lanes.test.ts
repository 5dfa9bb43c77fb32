import { monotonicMs } from '@fractal-lba/clock'
import { record, verifier } from '@fractal-lba/proto'
import { freePort } from '@fractal-lba/test-servers'
import { describe, expect, it, onTestFinished } from 'vitest'
import { AppError, fromStatus, toStatus, unavailable } from '../errors.js'
import type { UnaryOptions } from './calls.js'
import { type ConnectOptions, connect } from './connect.js'
import { type GrpcServer, startGrpcServer } from './grpc-server.js'
import { grpcTransport } from './grpc-transport.js'
import type { HopLimits } from './limits.js'
import { refusalsOfNames } from './resolved-name.js'
import { grpcService } from './served.js'
import { itemOf, resultOf } from './testing/items.js'
import type { Transport } from './transport.js'

const IPS = ['127.0.0.1', '127.0.0.2', '127.0.0.3'] as const
const LIMITS = { timeoutMs: 10_000, resolveEveryMs: 20 }

interface Fleet {
  readonly port: number
  /** By the number of the server: the items that it was given. */
  readonly items: number[]
  /** What the name resolves to; changed by the test. */
  ips: readonly string[]
  /** Connections that were begun. */
  opened: number
  up(server: number): Promise<GrpcServer>
  connect(limits?: Partial<HopLimits>, idempotent?: boolean): (text: string) => Promise<unknown>
  /** As `connect`, with all that a caller may say. */
  peer(options?: Partial<ConnectOptions>): Connected
}

interface Connected {
  batch(
    text: string,
    options?: { readonly deadlineMs: number; readonly idempotent?: boolean },
  ): Promise<string>
  unary(text: string, options?: UnaryOptions): Promise<string>
}

/** Servers on one port of several addresses behind one name. @param handle what it throws, a server answers with */
async function fleet(handle: (server: number) => Promise<void> | void = () => {}): Promise<Fleet> {
  const port = await freePort()
  const items = [0, 0, 0]
  const self: Fleet = {
    ...{ port, items, ips: IPS, opened: 0 },
    async up(server) {
      const service = grpcService(verifier.VerifierServiceService, {
        async verifyBatches(given) {
          items[server] = (items[server] ?? 0) + given.length
          const refusal = await refusalOf(() => handle(server))
          return given.map(({ body }) => refusal ?? resultOf(`${body} of ${server}`))
        },
        async verify({ body }) {
          items[server] = (items[server] ?? 0) + 1
          await handle(server)
          const keyId = `${body} of ${server}`
          return { record: { ...record.VerifiedRecord.decode(Buffer.alloc(0)), keyId } }
        },
      })
      const started = await startGrpcServer(`${IPS[server]}:${port}`, [service])
      onTestFinished(() => started.stop(0))
      return started
    },
    connect(limits = {}, idempotent = true) {
      const { batch } = self.peer({ limits: { ...LIMITS, ...limits } })
      return (text) => batch(text, { deadlineMs: Number.POSITIVE_INFINITY, idempotent })
    },
    peer(given = {}) {
      const options = {
        ...{ service: 'verifier', address: `verifiers.test:${port}`, limits: LIMITS },
        resolve: async () => self.ips,
        ...given,
      }
      const open: Transport['open'] = (endpoint, security) => {
        self.opened += 1
        return grpcTransport.open(endpoint, security)
      }
      const context = { transport: { ...grpcTransport, open } }
      const peer = connect(verifier.VerifierServiceService, options, context)
      onTestFinished(() => peer.close())
      const batches = (idempotent: boolean) =>
        peer.batches('verifyBatches', { answer: demandText, sizeBytes: () => 10, idempotent })
      const [twice, once] = [batches(true), batches(false)]
      return {
        batch: (text, { deadlineMs, idempotent = true } = { deadlineMs: Number.POSITIVE_INFINITY }) =>
          (idempotent ? twice : once).call(itemOf(text), { deadlineMs }),
        unary: async (text, unaryOptions) =>
          (await peer.unary('verify', itemOf(text), unaryOptions)).record?.keyId ?? '',
      }
    },
  }
  return self
}

async function refusalOf(work: () => Promise<void> | void): Promise<verifier.VerifyResult | undefined> {
  try {
    await work()
    return undefined
  } catch (error) {
    return { result: { $case: 'error', value: toStatus(error) }, pcsId: '' }
  }
}

function demandText({ result }: verifier.VerifyResult): string {
  if (result?.$case !== 'error') throw new Error('the servers of these tests answer by errors alone')
  if (result.value.code !== 0) throw fromStatus(result.value)
  return result.value.message
}

/** Calls from several callers, one after the other each, until it is stopped. */
function load(call: (text: string) => Promise<unknown>, callers = 8) {
  const failures: unknown[] = []
  let answered = 0
  let over = false
  const caller = async (): Promise<void> => {
    while (!over) {
      try {
        await call('a')
        answered += 1
      } catch (error) {
        failures.push(error)
        await pause(5)
      }
    }
  }
  const callersDone = Promise.all(Array.from({ length: callers }, caller))
  return {
    failures,
    more: (count: number) => {
      const goal = answered + count
      return expect.poll(() => answered, { timeout: 20_000 }).toBeGreaterThan(goal)
    },
    async stop() {
      over = true
      await callersDone
    },
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
const NO_FAILURE: unknown[] = []

describe('lanes', () => {
  it('give each server behind a name its share, at low load too', async () => {
    const test = await fleet()
    await Promise.all([test.up(0), test.up(1), test.up(2)])
    const call = test.connect()
    await call('first')
    await pause(200)
    test.items.fill(0)
    for (let count = 0; count < 60; count += 1) await call('a')
    expect(test.items).toEqual([20, 20, 20])
  })

  it('are opened anew at their age without a failed item, also for what may not be asked twice', async () => {
    const test = await fleet(() => pause(1))
    await test.up(0)
    test.ips = [IPS[0]]
    const running = load(test.connect({ laneAgeMs: 10 }, false))
    await running.more(2_000)
    await running.stop()
    expect(running.failures).toEqual(NO_FAILURE)
    expect(test.opened).toBeGreaterThan(10)
  })

  it('are opened anew at their age and no sooner', async () => {
    const test = await fleet(() => pause(1))
    await test.up(0)
    test.ips = [IPS[0]]
    const running = load(test.connect({ laneAgeMs: 200 }))
    await running.more(100)
    const [beganMs, before] = [performance.now(), test.opened]
    await expect.poll(() => test.opened - before, { timeout: 20_000 }).toBeGreaterThanOrEqual(4)
    await pause(500)
    const ages = (performance.now() - beganMs) / 200
    await running.stop()
    expect(test.opened - before).toBeLessThanOrEqual(2 * (ages + 1))
  })

  it('follow a scaling from 1 to 3 to 1 under load without a failed item', async () => {
    // Of unequal length, so that lanes are busy while others are retired.
    const test = await fleet(() => pause(Math.random() * 20))
    const first = await test.up(0)
    test.ips = [IPS[0]]
    const running = load(test.connect({ batchItemsMax: 4 }, false), 16)
    await running.more(200)
    await Promise.all([test.up(1), test.up(2)])
    test.ips = IPS
    await expect.poll(() => test.items.every((count) => count > 50), { timeout: 20_000 }).toBe(true)
    await first.stop(5_000)
    test.ips = [IPS[1]]
    await running.more(500)
    const [, , third = 0] = test.items
    await running.more(500)
    expect(test.items[2]).toBe(third)
    await running.stop()
    expect(running.failures).toEqual(NO_FAILURE)
  })

  it('leave a server that drains for the others, without a failed item', async () => {
    const test = await fleet(() => pause(1))
    const [first] = await Promise.all([test.up(0), test.up(1)])
    test.ips = IPS.slice(0, 2)
    const running = load(test.connect({}, false))
    await running.more(500)
    await first.stop(5_000)
    await running.more(500)
    await running.stop()
    expect(running.failures).toEqual(NO_FAILURE)
  })

  it('do without an address that refuses', async () => {
    const test = await fleet()
    await test.up(1)
    const running = load(test.connect())
    await running.more(500)
    await running.stop()
    expect(running.failures).toEqual(NO_FAILURE)
    expect(test.items[0]).toBe(0)
  })

  it('take a server that was cut off up again, and send what may be asked twice once more', async () => {
    const test = await fleet(() => pause(50))
    const [first] = await Promise.all([test.up(0), test.up(1)])
    test.ips = IPS.slice(0, 2)
    const running = load(test.connect({ batchItemsMax: 4 }))
    await running.more(50)
    await first.stop(0)
    await running.more(50)
    await test.up(0)
    const [before = 0] = test.items
    await expect.poll(() => test.items[0], { timeout: 20_000 }).toBeGreaterThan(before)
    await running.stop()
    expect(running.failures).toEqual(NO_FAILURE)
  })

  it('fail at once when no server is there, or the name has no address', async () => {
    const test = await fleet()
    const call = test.connect()
    const beganMs = performance.now()
    await expect(call('a')).rejects.toMatchObject({ code: 'unavailable' })
    test.ips = []
    await expect(test.connect()('a')).rejects.toMatchObject({ code: 'unavailable' })
    expect(performance.now() - beganMs).toBeLessThan(LIMITS.timeoutMs / 2)
  })
})

/** The name that a caller has, or two of them; each server behind it. */
const QUICK = { limits: { timeoutMs: 300, resolveEveryMs: 20 } }
const inTimeMs = (): number => monotonicMs() + 2_000

/** A server that hangs, or that refuses. */
const failures = {
  'does not answer': () => new Promise<void>(() => undefined),
  'is unavailable': () => {
    throw unavailable('it is filled')
  },
} as const

describe.each(Object.entries(failures))('where one server %s', (_, fail) => {
  async function withOneFailing() {
    const test = await fleet((server) => (server === 0 ? fail() : undefined))
    await Promise.all([test.up(0), test.up(1)])
    test.ips = IPS.slice(0, 2)
    return test
  }

  it('another one is asked once more in the time left, by batches and by calls', async () => {
    const test = await withOneFailing()
    const { batch, unary } = test.peer(QUICK)
    const answers: string[] = []
    for (let count = 0; count < 4; count += 1) {
      answers.push(await batch('a', { deadlineMs: inTimeMs() }))
      answers.push(await unary('a', { deadlineMs: inTimeMs(), idempotent: true }))
    }
    expect(answers).toEqual(answers.map(() => 'a of 1'))
    // Both were tried: it is no matter of luck.
    expect(test.items[0]).toBeGreaterThan(1)
  })

  it('what may not be asked twice fails, and what has no other server', async () => {
    const test = await withOneFailing()
    const { batch, unary } = test.peer(QUICK)
    const settled = await Promise.allSettled([
      ...[1, 2, 3, 4].map(() => unary('a', { deadlineMs: inTimeMs() })),
      batch('a', { deadlineMs: inTimeMs(), idempotent: false }).then(() =>
        batch('a', { deadlineMs: inTimeMs(), idempotent: false }),
      ),
    ])
    expect(settled.filter(({ status }) => status === 'rejected')).toHaveLength(3)
    test.ips = IPS.slice(0, 1)
    const alone = test.peer(QUICK)
    const call = { deadlineMs: inTimeMs() }
    await expect(alone.batch('a', call)).rejects.toMatchObject({ code: 'unavailable' })
    await expect(alone.unary('a', { ...call, idempotent: true })).rejects.toMatchObject({
      code: 'unavailable',
    })
  })
})

describe('a second try', () => {
  it('is the last one, and is not for what each server would say', async () => {
    let error = unavailable('it is filled')
    const test = await fleet(() => {
      throw error
    })
    await Promise.all([test.up(0), test.up(1), test.up(2)])
    const { batch, unary } = test.peer()
    const asked = async (): Promise<number> => {
      const call = { deadlineMs: inTimeMs() }
      test.items.fill(0)
      await expect(batch('a', call)).rejects.toMatchObject({ code: error.code })
      await expect(unary('a', { ...call, idempotent: true })).rejects.toMatchObject({ code: error.code })
      return test.items.reduce((sum, count) => sum + count, 0)
    }
    expect(await asked()).toBe(2 * 2)
    error = new AppError('malformed', 'the item has no id')
    expect(await asked()).toBe(2)
  })

  it('does not keep others waiting, nor wait for a server that is gone', async () => {
    const test = await fleet((server) => {
      if (server === 0) throw unavailable('it is filled')
    })
    const [, second] = await Promise.all([test.up(0), test.up(1)])
    test.ips = IPS.slice(0, 2)
    const { batch } = test.peer(QUICK)
    const answers = Array.from({ length: 500 }, () => batch('a', { deadlineMs: inTimeMs() }))
    expect(new Set(await Promise.all(answers))).toEqual(new Set(['a of 1']))
    await second?.stop(0)
    const beganMs = monotonicMs()
    await expect(batch('a', { deadlineMs: inTimeMs() })).rejects.toMatchObject({ code: 'unavailable' })
    expect(monotonicMs() - beganMs).toBeLessThan(1_500)
  })
})

describe('a server that has just come back', () => {
  it('is waited for when the other one goes, without a failed item', async () => {
    const test = await fleet(() => pause(2))
    const servers = await Promise.all([test.up(0), test.up(1)])
    test.ips = IPS.slice(0, 2)
    const { batch } = test.peer()
    const running = load((text) => batch(text, { deadlineMs: inTimeMs() }))
    await running.more(50)
    for (let round = 0; round < 6; round += 1) {
      await servers[round % 2]?.stop(0)
      await running.more(50)
      servers[round % 2] = await test.up(round % 2)
      await pause(20) // an attempt under way may have been refused before
    }
    await running.stop()
    expect(running.failures).toEqual(NO_FAILURE)
  })
})

describe('names', () => {
  it('may be several, each with several addresses', async () => {
    const test = await fleet()
    await Promise.all([test.up(0), test.up(1), test.up(2)])
    const names: Record<string, readonly string[]> = { 'a.test': IPS.slice(0, 2), 'b.test': IPS.slice(1, 2) }
    const address = ['a.test', 'b.test', IPS[2]].map((name) => `${name}:${test.port}`)
    const { batch } = test.peer({ address, resolve: async (host) => names[host] ?? [] })
    await batch('first')
    await pause(200)
    test.items.fill(0)
    for (let count = 0; count < 60; count += 1) await batch('a')
    expect(test.items).toEqual([20, 20, 20])
  })

  it('of one server are refused while they have several addresses, by a sentence that says what to do', async () => {
    const test = await fleet()
    await test.up(0)
    test.ips = ['::1', IPS[0]]
    const { batch, unary } = test.peer({ isOneServer: true })
    await expect(unary('a')).resolves.toBe('a of 0')
    test.ips = IPS
    const message = `verifiers.test:${test.port} is a name with 3 addresses: give each server a name of its own, and list these names, separated by commas`
    await expect.poll(() => batch('a').catch((error: unknown) => error)).toMatchObject({ message })
    await expect(unary('a')).rejects.toMatchObject({ code: 'unavailable', message })
    test.ips = [IPS[0]]
    await expect.poll(() => batch('a').catch((error: unknown) => error)).toBe('a of 0')
  })

  it('can be looked at before they are used; what cannot be resolved yet is not refused', async () => {
    const resolve = async (host: string): Promise<readonly string[]> => {
      if (host === 'gone.test') throw new Error('ENOTFOUND')
      return host === 'all.test' ? IPS : ['::1', IPS[0]]
    }
    const names = ['localhost:1', 'all.test:1', 'gone.test:1', '127.0.0.1:1']
    expect(await refusalsOfNames(names, resolve)).toEqual([
      expect.stringMatching(/^all.test:1 is a name with 3/),
    ])
  })
})
