import { verifier } from '@fractal-lba/proto'
import { freePort } from '@fractal-lba/test-servers'
import { describe, expect, it, onTestFinished } from 'vitest'
import { connect } from './connect.js'
import { type GrpcServer, startGrpcServer } from './grpc-server.js'
import { grpcTransport } from './grpc-transport.js'
import type { HopLimits } from './limits.js'
import { grpcService } from './served.js'
import type { Transport } from './transport.js'
import { itemOf, resultOf } from './transports.contract.js'

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
}

/** Servers on one port of several addresses behind one name. */
async function fleet(handle: (server: number) => Promise<void> | void = () => {}): Promise<Fleet> {
  const port = await freePort()
  const items = [0, 0, 0]
  const self: Fleet = {
    ...{ port, items, ips: IPS, opened: 0 },
    async up(server) {
      const service = grpcService(verifier.VerifierServiceService, {
        async verifyBatches(given) {
          items[server] = (items[server] ?? 0) + given.length
          await handle(server)
          return given.map(({ body }) => resultOf(body.toString()))
        },
      })
      const started = await startGrpcServer(`${IPS[server]}:${port}`, [service])
      onTestFinished(() => started.stop(0))
      return started
    },
    connect(limits = {}, idempotent = true) {
      const options = {
        ...{ service: 'verifier', address: `verifiers.test:${port}`, limits: { ...LIMITS, ...limits } },
        resolve: async () => self.ips,
      }
      const open: Transport['open'] = (endpoint, security) => {
        self.opened += 1
        return grpcTransport.open(endpoint, security)
      }
      const context = { transport: { ...grpcTransport, open } }
      const peer = connect(verifier.VerifierServiceService, options, context)
      onTestFinished(() => peer.close())
      const answer = (result: verifier.VerifyResult) => result
      const batches = peer.batches('verifyBatches', { answer, sizeBytes: () => 10, idempotent })
      return (text) => batches.call(itemOf(text))
    },
  }
  return self
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
