import { monotonicMs } from '@fractal-lba/clock'
import { verifier, wal } from '@fractal-lba/proto'
import { freePort } from '@fractal-lba/test-servers'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { ProcessClock } from '../clock/process-clock.js'
import { AppError } from '../errors.js'
import { createRegistry } from '../metrics.js'
import { connect } from './connect.js'
import type { RpcContext } from './context.js'
import { startGrpcServer } from './grpc-server.js'
import type { Interceptor } from './interceptors.js'
import { defaultHopLimits, type HopLimits } from './limits.js'
import { insecure, type Security, towards } from './security.js'
import { type GrpcService, grpcService, type Handlers } from './served.js'
import { echo, fenceOf, itemOf, positionOf, textOf } from './testing/items.js'
import type { Transport } from './transport.js'

type Verifier = Handlers<typeof verifier.VerifierServiceService>
type Wal = Handlers<typeof wal.WalServiceService>

const CONTEXT = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', tracestate: 'a=1' }
const OTHER = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203332-01', tracestate: '' }
const PATIENT = { timeoutMs: 30_000 }

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
const violation = { pointer: '/a', detail: 'is wrong' }

/** What holds whatever carries the calls. */
export function transportContract(
  name: string,
  makeTransport: () => Transport,
  openSecurity: () => Promise<Security> = async () => insecure,
): void {
  let security: Security = insecure
  beforeAll(async () => {
    security = await openSecurity()
  })
  const securely = (): RpcContext => ({ transport: makeTransport(), security })

  async function serve(services: readonly GrpcService[], context: RpcContext) {
    const address = `127.0.0.1:${await freePort()}`
    const server = await startGrpcServer(address, services, context)
    onTestFinished(() => server.stop(0))
    return { server, address }
  }

  async function verifying(handlers: Partial<Verifier>, options: Options = {}) {
    const context: RpcContext = { ...securely(), ...options.context }
    const { server, address } = await serve([grpcService(verifier.VerifierServiceService, handlers)], context)
    const limits = { ...PATIENT, ...options.limits }
    const peer = connect(verifier.VerifierServiceService, { service: 'verifier', address, limits }, context)
    onTestFinished(() => peer.close())
    const batches = peer.batches('verifyBatches', {
      answer: (result) => result,
      sizeBytes: ({ body }) => body.length,
      idempotent: true,
    })
    return { server, peer, batches, call: (text: string) => batches.call(itemOf(text)).then(textOf) }
  }

  async function logging(handlers: Partial<Wal>, limits: Partial<HopLimits> = {}) {
    const context = securely()
    const { server, address } = await serve([grpcService(wal.WalServiceService, handlers)], context)
    const options = { service: 'wal', address, limits: { ...PATIENT, ...limits } }
    const peer = connect(wal.WalServiceService, options, context)
    onTestFinished(() => peer.close())
    return { server, peer }
  }

  const failure = (call: Promise<unknown>): Promise<unknown> =>
    call.then(
      () => 'no failure',
      (error: unknown) =>
        error instanceof AppError
          ? { code: error.code, message: error.message, violations: error.violations }
          : error,
    )

  describe(`calls over ${name}`, () => {
    it('brings answers, and the errors of a handler with their details', async () => {
      const { peer } = await logging({
        fence: ({ generation }) => {
          if (generation === 'bug') throw new Error('a secret')
          if (generation === '') throw new AppError('malformed', 'no generation', { violations: [violation] })
          return { position: positionOf(7) }
        },
      })
      expect(await peer.unary('fence', fenceOf('a'))).toEqual({ position: positionOf(7) })
      expect(await failure(peer.unary('fence', fenceOf('')))).toEqual({
        ...{ code: 'malformed', message: 'no generation', violations: [violation] },
      })
      expect(await failure(peer.unary('fence', fenceOf('bug')))).toEqual({
        ...{ code: 'unavailable', violations: [] },
        message: 'an unexpected error; the log of the service has it',
      })
      expect(await failure(peer.unary('getState', {}))).toMatchObject({ code: 'unavailable' })
    })

    it('reaches a server that was started again by a unary call', async () => {
      const context = securely()
      const serving = (sequence: number) => [
        grpcService(wal.WalServiceService, { fence: () => ({ position: positionOf(sequence) }) }),
      ]
      const { server, address } = await serve(serving(1), context)
      const peer = connect(wal.WalServiceService, { service: 'wal', address, limits: PATIENT }, context)
      onTestFinished(() => peer.close())
      const fence = () => peer.unary('fence', fenceOf(''))
      expect(await fence()).toEqual({ position: positionOf(1) })
      await server.stop(0)
      expect(await failure(fence())).toMatchObject({ code: 'unavailable' })
      const again = await startGrpcServer(address, serving(2), context)
      onTestFinished(() => again.stop(0))
      const answer = () => fence().catch(() => undefined)
      await expect.poll(answer, { timeout: 10_000 }).toEqual({ position: positionOf(2) })
    })

    it('has many calls under way at once without a warning', async () => {
      const warnings: string[] = []
      const onWarning = ({ name, message }: Error): void => void warnings.push(`${name}: ${message}`)
      process.on('warning', onWarning)
      onTestFinished(() => void process.off('warning', onWarning))
      const { peer } = await logging({ fence: () => pause(20).then(() => ({ position: positionOf(1) })) })
      await Promise.all(Array.from({ length: 50 }, () => peer.unary('fence', fenceOf('a'))))
      await pause(0)
      expect(warnings).toEqual([])
    })

    it('ends a call at its deadline', async () => {
      const { peer } = await logging({ fence: () => new Promise(() => {}) })
      const began = monotonicMs()
      const late = { code: 'unavailable', message: 'a service behind this one did not answer in time' }
      const ended = failure(peer.unary('fence', fenceOf(''), { deadlineMs: began + 100 }))
      expect(await ended).toEqual({ ...late, violations: [] })
      expect(monotonicMs() - began).toBeLessThan(10_000)
    })

    it('streams until the end, the error, or until nobody reads', async () => {
      let gone = false
      const { peer } = await logging({
        async *readMarks({ fromSequence }, call) {
          call.gone.addEventListener('abort', () => {
            gone = true
          })
          for (let next = fromSequence; ; next += 1) {
            if (next === 3) return
            if (next === 13) throw new AppError('superseded', 'an older one')
            if (next > 20) await pause(5)
            yield { marks: [], nextSequence: next, endSequence: 0 }
          }
        },
      })
      const read = async (fromSequence: number, most = 100): Promise<number[]> => {
        const seen: number[] = []
        for await (const { nextSequence } of peer.stream('readMarks', { fromSequence })) {
          seen.push(nextSequence)
          if (seen.length === most) break
        }
        return seen
      }
      expect(await read(0)).toEqual([0, 1, 2])
      expect(await failure(read(12))).toMatchObject({ code: 'superseded', message: 'an older one' })
      gone = false
      expect(await read(21, 2)).toEqual([21, 22])
      await expect.poll(() => gone).toBe(true)
    })

    it('ends a stream that is silent, cancelled, or of a closed peer', async () => {
      const { peer } = await logging({
        async *readMarks() {
          yield { marks: [], nextSequence: 1, endSequence: 1 }
          await new Promise(() => {})
        },
      })
      const all = async (options: Parameters<typeof peer.stream>[2]): Promise<void> => {
        for await (const response of peer.stream('readMarks', { fromSequence: 0 }, options)) void response
      }
      expect(await failure(all({ silenceMs: 50 }))).toMatchObject({ code: 'unavailable' })
      const reading = failure(all({ signal: AbortSignal.timeout(50) }))
      expect(await reading).toMatchObject({ code: 'unavailable' })
      const open = failure(all({}))
      await pause(50)
      peer.close()
      expect(await open).toMatchObject({ code: 'unavailable' })
    })

    it('says whether the server is serving', async () => {
      const { peer, server } = await logging({})
      expect(await peer.isServing()).toBe(false)
      server.setServing(true)
      expect(await peer.isServing()).toBe(true)
      await server.stop(0)
      expect(await peer.isServing()).toBe(false)
    })

    it('brings the context of a call', async () => {
      const seen: unknown[] = []
      const { peer } = await logging({
        fence: (_request, { context }) => {
          seen.push(context)
          return { position: undefined }
        },
        async *readMarks(_request, { context }) {
          seen.push(context)
          yield { marks: [], nextSequence: 1, endSequence: 1 }
        },
      })
      await peer.unary('fence', fenceOf(''), { context: CONTEXT })
      await peer.unary('fence', fenceOf(''))
      for await (const each of peer.stream('readMarks', { fromSequence: 0 }, { context: CONTEXT })) void each
      expect(seen).toEqual([CONTEXT, undefined, CONTEXT])
    })
  })

  describe(`batches over ${name}`, () => {
    it('gives each item its own answer and gathers what arrives together', async () => {
      const sizes: number[] = []
      const { call } = await verifying({
        async verifyBatches(items) {
          sizes.push(items.length)
          await pause(5)
          return echo(items)
        },
      })
      const texts = Array.from({ length: 400 }, (_, index) => `item ${index}`)
      expect(await Promise.all(texts.map(call))).toEqual(texts)
      expect(Math.max(...sizes)).toBe(defaultHopLimits.batchItemsMax)
      expect(sizes.length).toBeLessThan(7)
    })

    it('brings the context of each item up to the last that has one', async () => {
      const seen: unknown[] = []
      const { batches } = await verifying({
        verifyBatches(items, { contexts }) {
          seen.push([...contexts])
          return echo(items)
        },
      })
      const contexts = [CONTEXT, undefined, OTHER]
      await Promise.all([...contexts, undefined].map((context) => batches.call(itemOf('a'), { context })))
      await batches.call(itemOf('b'))
      expect(seen).toEqual([contexts, []])
    })

    it('fails the batch of a handler that throws, and serves the next one', async () => {
      let broken = true
      const { call } = await verifying({
        verifyBatches(items) {
          if (broken) throw new Error('a secret')
          return echo(items)
        },
      })
      const unreachable = { code: 'unavailable', message: 'verifier is not reachable', violations: [] }
      expect(await failure(call('a'))).toEqual(unreachable)
      broken = false
      await expect.poll(() => call('b').catch(() => ''), { timeout: 10_000 }).toBe('b')
    })

    it('refuses more items than a batch may have', async () => {
      const { call } = await verifying({ verifyBatches: echo }, { limits: { batchItemsMax: 300 } })
      const results = await Promise.allSettled(Array.from({ length: 300 }, () => call('a')))
      expect(results.every(({ status }) => status === 'rejected')).toBe(true)
    })

    it('fails what a hung handler does not answer, and goes on when it answers again', async () => {
      let hung = false
      const handlers: Partial<Verifier> = {
        verifyBatches: (items) => (hung ? new Promise(() => {}) : echo(items)),
      }
      const { call } = await verifying(handlers, { limits: { timeoutMs: 500 } })
      await expect.poll(() => call('0').catch(() => ''), { timeout: 10_000 }).toBe('0')
      hung = true
      expect(await failure(call('a'))).toMatchObject({ message: 'verifier did not answer in time' })
      hung = false
      await expect.poll(() => call('b').catch(() => ''), { timeout: 10_000 }).toBe('b')
    })

    it('finishes what is under way when the server stops, and then says that nothing is there', async () => {
      const { call, server } = await verifying({
        async verifyBatches(items) {
          await pause(50)
          return echo(items)
        },
      })
      await call('0')
      const under = call('a')
      await pause(25)
      await server.stop(5_000)
      expect(await under).toBe('a')
      expect(await failure(call('b'))).toMatchObject({ message: 'verifier is not reachable' })
    })

    it('cuts what is under way when the grace of a stop is over', async () => {
      const { call, server } = await verifying({
        verifyBatches: (items) => (items[0]?.body.length === 1 ? new Promise(() => {}) : echo(items)),
      })
      await call('first')
      const under = failure(call('a'))
      await pause(50)
      const beganMs = monotonicMs()
      await server.stop(50)
      expect(monotonicMs() - beganMs).toBeLessThan(3_000)
      expect(await under).toMatchObject({ code: 'unavailable', message: 'verifier is not reachable' })
    })

    it('measures both ends of every hop', async () => {
      const registry = createRegistry('verifier')
      const { call, peer } = await verifying({ verifyBatches: echo }, { context: { registry } })
      await call('a')
      await peer.isServing()
      await failure(peer.unary('verify', { body: Buffer.of(), encoding: 1 }))
      const text = await registry.metrics()
      const labels = 'rpc_service="flk.verifier.v1.VerifierService",rpc_method="VerifyBatches"'
      expect(text).toContain(`rpc_client_duration_seconds_count{${labels}} 1`)
      expect(text).toContain(`rpc_client_batch_items_sum{${labels}} 1`)
      expect(text).toContain(`rpc_client_queue_items{${labels}} 0`)
      expect(text).toContain(`rpc_client_calls_in_flight{${labels}} 0`)
      expect(text).toContain(`rpc_server_duration_seconds_count{${labels}} 1`)
      expect(text).toContain(`rpc_server_batch_items_sum{${labels}} 1`)
      expect(text).toContain(`rpc_server_calls_in_flight{${labels}} 0`)
      const failed = 'rpc_service="flk.verifier.v1.VerifierService",rpc_method="Verify",code="unavailable"'
      expect(text).toContain(`rpc_client_errors_total{${failed}} 1`)
    })

    it('lets an interceptor see the times of items and put its own context in their place', async () => {
      const seen: string[] = []
      const interceptor: Interceptor = ({ end, method }) => {
        return ({ traced, size, beganMs = 0 }) => {
          for (const item of traced) {
            seen.push(`${end} ${method} ${item.context?.traceparent} of ${size}`)
            expect(item.askedMs).toBeLessThanOrEqual(beganMs)
            item.context = OTHER
          }
          return ({ endedMs, errors }) => {
            expect(endedMs).toBeGreaterThanOrEqual(beganMs)
            expect(errors).toEqual([])
          }
        }
      }
      const { batches } = await verifying(
        {
          verifyBatches(items, { contexts }) {
            seen.push(`handler ${contexts[0]?.traceparent}`)
            return echo(items)
          },
        },
        { context: { interceptors: [interceptor] } },
      )
      await batches.call(itemOf('a'), { context: CONTEXT })
      expect(seen).toEqual([
        `client VerifyBatches ${CONTEXT.traceparent} of 1`,
        `server VerifyBatches ${OTHER.traceparent} of 1`,
        `handler ${OTHER.traceparent}`,
      ])
    })

    it('tells both ends of a unary call the clock of the other one', async () => {
      const clockAt = (hostId: string, aheadMs: number) =>
        new ProcessClock({ limitMs: 300_000, hostId, wall: () => Date.now() + aheadMs })
      const [server, caller] = [clockAt('there', 0), clockAt('here', 3_600_000)]
      const common = securely()
      const service = grpcService(wal.WalServiceService, { fence: () => ({ position: positionOf(7) }) })
      const { address } = await serve([service], { ...common, clock: server })
      const place = { service: 'wal', address, limits: PATIENT }
      const peer = connect(wal.WalServiceService, place, { ...common, clock: caller })
      onTestFinished(() => peer.close())
      await peer.unary('fence', fenceOf('a'))
      for (const [clock, offsetMs] of [
        [caller, 3_600_000],
        [server, -3_600_000],
      ] as const) {
        await expect.poll(() => clock.judgement.state).toBe('off')
        expect(Math.abs(clock.judgement.offsetMs - offsetMs)).toBeLessThan(60_000)
      }
    })

    it('tells that a server is to be left, but not one that was closed from this side', async () => {
      const transport = makeTransport()
      const service = grpcService(verifier.VerifierServiceService, { verifyBatches: echo })
      const { server, address } = await serve([service], { transport, security })
      const left: string[] = []
      const open = async (label: string) => {
        const channel = transport.open({ name: address, address }, towards(security, 'verifier'))
        onTestFinished(() => channel.close())
        await channel.ready(monotonicMs() + PATIENT.timeoutMs)
        channel.onLeave(() => left.push(label))
        return channel
      }
      const [, closed] = [await open('kept'), await open('closed')]
      closed.close()
      await server.stop(1_000)
      await expect.poll(() => left).toContain('kept')
      expect(left).toEqual(['kept'])
    })
  })
}

interface Options {
  readonly limits?: Partial<HopLimits>
  readonly context?: RpcContext
}
