import { verifier } from '@fractal-lba/proto'
import { type GrpcServer, startGrpcServer } from '@fractal-lba/runtime'
import type { ServerUnaryCall, sendUnaryData } from '@grpc/grpc-js'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { clientsOf, UnaryHop } from './unary-hop.js'

type Call = ServerUnaryCall<verifier.VerifyRequest, verifier.VerifyResponse>

interface Held {
  readonly peer: string
  readonly body: string
  readonly answer: sendUnaryData<verifier.VerifyResponse>
}

const limits = { lanes: 2, batchItemsMax: 256, batchBytesMax: 2 ** 20, queueItemsMax: 4, timeoutMs: 10_000 }
let server: GrpcServer
let held: Held[] = []
let clients: verifier.VerifierServiceClient[] = []
let hop: UnaryHop<verifier.VerifyRequest, verifier.VerifyResponse>

const verified = (answer: Held['answer']): void => answer(null, { record: undefined })
const request = (body: string): verifier.VerifyRequest => ({ body: Buffer.from(body), encoding: 1 })

async function untilHeld(count: number): Promise<void> {
  await expect.poll(() => held.length, { timeout: 5_000 }).toBe(count)
}

beforeEach(async () => {
  held = []
  server = await startGrpcServer('127.0.0.1:0', [
    {
      name: 'flk.verifier.v1.VerifierService',
      definition: verifier.VerifierServiceService,
      implementation: {
        verify: (call: Call, answer: Held['answer']) => {
          held.push({ peer: call.getPeer(), body: call.request.body.toString(), answer })
        },
        verifyBatches: () => {},
      },
    },
  ])
  clients = clientsOf(verifier.VerifierServiceClient, `127.0.0.1:${server.port}`, 2)
  const methods = clients.map((client) => client.verify.bind(client))
  hop = new UnaryHop('verifier', methods, { channels: 2, callsMax: 4 }, limits)
})

afterEach(async () => {
  hop.close()
  for (const client of clients) client.close()
  await server.stop(0)
})

describe('UnaryHop', () => {
  it('has so many calls under way and no more, spread over its connections', async () => {
    const calls = ['a', 'b', 'c', 'd', 'e', 'f'].map((body) => hop.call(request(body)))
    await untilHeld(4)
    const [one = '', other = '', ...more] = [...new Set(held.map(({ peer }) => peer))]
    expect(more).toEqual([])
    const callsOf = (connection: string): number => held.filter(({ peer }) => peer === connection).length
    expect([callsOf(one), callsOf(other)]).toEqual([2, 2])
    for (const { answer } of held.splice(0)) verified(answer)
    await untilHeld(2)
    expect(held.map(({ body }) => body).sort()).toEqual(['e', 'f'])
    for (const { answer } of held.splice(0)) verified(answer)
    expect(await Promise.all(calls)).toHaveLength(6)
  })

  it('goes on after a call that failed', async () => {
    const calls = ['a', 'b', 'c', 'd', 'e'].map((body) => hop.call(request(body)))
    const settled = Promise.allSettled(calls)
    await untilHeld(4)
    for (const { answer } of held.splice(0)) answer({ code: 3, details: 'no record' })
    await untilHeld(1)
    for (const { answer } of held.splice(0)) verified(answer)
    const results = (await settled).map((result) =>
      result.status === 'rejected' ? result.reason.code : result.status,
    )
    expect(results).toEqual(['malformed', 'malformed', 'malformed', 'malformed', 'fulfilled'])
  })

  it('refuses what finds no place to wait', async () => {
    const calls = Array.from({ length: 8 }, (_, n) => hop.call(request(`${n}`)))
    const all = Promise.allSettled(calls)
    await expect(hop.call(request('one more'))).rejects.toMatchObject({ code: 'unavailable' })
    hop.close()
    await untilHeld(4)
    for (const { answer } of held.splice(0)) verified(answer)
    expect((await all).map(({ status }) => status)).toEqual([
      ...Array(4).fill('fulfilled'),
      ...Array(4).fill('rejected'),
    ])
  })
})
