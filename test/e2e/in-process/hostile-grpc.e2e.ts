import { monitorEventLoopDelay } from 'node:perf_hooks'
import { ingest, verifier } from '@fractal-lba/proto'
import type { ServiceName } from '@fractal-lba/runtime'
import { Client, credentials, status as Grpc } from '@grpc/grpc-js'
import { describe, expect, it, onTestFinished } from 'vitest'
import { addressOf, useSystemInProcess } from '../../src/system.js'
import { typed } from '../../src/typed-record.js'
import { refusalOf } from '../../src/unary.js'

const system = useSystemInProcess('hostile-grpc')
const MESSAGE_BYTES = 8 * 2 ** 20 - 64
/** One turn of the event loop, with other test files on the same processors. */
const STALL_MAX_MS = 500

const raw = (bytes: Buffer): Buffer => bytes

function rawClient(name: ServiceName): Client {
  const client = new Client(addressOf(system().site, name), credentials.createInsecure())
  onTestFinished(() => client.close())
  return client
}

function call(name: ServiceName, path: string, request: Buffer): Promise<Buffer | undefined> {
  const client = rawClient(name)
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(path, raw, raw, request, (error, answer) =>
      error ? reject(error) : resolve(answer),
    )
  })
}

function stream(name: ServiceName, path: string, request: Buffer): Promise<void> {
  const client = rawClient(name)
  return new Promise((resolve, reject) => {
    const open = client.makeBidiStreamRequest(path, raw, raw)
    open.on('data', () => undefined)
    open.on('error', reject)
    open.on('end', () => resolve())
    open.write(request)
  })
}

/** The longest time for which nothing else was done in this process, the servers' own, milliseconds. */
async function longestStallMs(work: () => Promise<unknown>): Promise<number> {
  const histogram = monitorEventLoopDelay({ resolution: 1 })
  histogram.enable()
  await work()
  histogram.disable()
  return histogram.max / 1e6
}

describe('a message with millions of empty parts', () => {
  it.each<readonly [ServiceName, string, number]>([
    ['gateway', ingest.IngestServiceService.submit.path, 0x0a],
    ['gateway', ingest.IngestServiceService.submitBatch.path, 0x0a],
    ['gateway', ingest.IngestServiceService.submitBatch.path, 0x7a],
    ['gateway', ingest.IngestServiceService.getOutcome.path, 0x7a],
    ['verifier', verifier.VerifierServiceService.verify.path, 0x7a],
  ])('is refused by %s %s (field %d) before it is taken apart', async (name, path, tag) => {
    const message = Buffer.alloc(MESSAGE_BYTES)
    for (let at = 0; at < message.length; at += 2) message[at] = tag
    const stallMs = await longestStallMs(async () => {
      expect((await refusalOf(call(name, path, message))).code).toBe(Grpc.RESOURCE_EXHAUSTED)
    })
    expect(stallMs).toBeLessThan(STALL_MAX_MS)
  })

  it.each<readonly [ServiceName, string]>([
    ['verifier', verifier.VerifierServiceService.verifyBatches.path],
    ['wal', '/flk.wal.v1.WalService/AppendBatches'],
    ['wal', '/flk.wal.v1.WalService/MarkDoneBatches'],
    ['dedup', '/flk.dedup.v1.DedupService/PutIfAbsentBatches'],
    ['dedup', '/flk.dedup.v1.DedupService/LookupBatches'],
    ['signal-scoring', '/flk.scoring.v1.ScoringService/JudgeBatches'],
  ])('is refused by %s %s before it is taken apart', async (name, path) => {
    const message = Buffer.alloc(MESSAGE_BYTES)
    for (let at = 0; at < message.length; at += 2) message[at] = 0x12
    const stallMs = await longestStallMs(async () => {
      expect((await refusalOf(stream(name, path, message))).code).toBe(Grpc.RESOURCE_EXHAUSTED)
    })
    expect(stallMs).toBeLessThan(STALL_MAX_MS)
  })
})

describe('protobuf is read as strictly as JSON', () => {
  const submit = (record: Buffer) => {
    const request = ingest.SubmitRequest.encode({ record: undefined }).uint32(0x0a).bytes(record).finish()
    return call('gateway', ingest.IngestServiceService.submit.path, Buffer.from(request))
  }
  const encoded = () => Buffer.from(ingest.PcsRecord.encode(typed(system().records.next())).finish())
  /** A field of a record (or of a map's entry) that is given by its number and bytes. */
  const field = (number: number, value: Buffer) =>
    Buffer.concat([Buffer.from([(number << 3) | 2, value.length]), value])

  it.each<readonly [string, Buffer]>([
    ['a sig that is not UTF-8', Buffer.from([0x92, 0x01, 2, 0xc3, 0x28])],
    ['a half of a surrogate pair', Buffer.from([0x92, 0x01, 3, 0xed, 0xa0, 0x80])],
    ['a fallback that is not UTF-8', Buffer.from([0x9a, 0x01, 4, 0x1a, 2, 0xc3, 0x28])],
    ['a key of n_j that is not UTF-8', Buffer.from([0x52, 6, 0x0a, 2, 0xc3, 0x28, 0x10, 1])],
    [
      'a key of n_j that is no scale',
      field(10, Buffer.concat([field(1, Buffer.from('__proto__')), Buffer.from([0x10, 7])])),
    ],
  ])('%s is refused', async (_, more) => {
    const refusal = await refusalOf(submit(Buffer.concat([encoded(), more])))
    expect(refusal.code, refusal.message).toBe(Grpc.INVALID_ARGUMENT)
  })

  it.each([
    ['gateway', ingest.IngestServiceService.getOutcome.path],
    ['verifier', verifier.VerifierServiceService.verify.path],
  ] as const)('a request to %s that is no message is an INVALID_ARGUMENT: %s', async (name, path) => {
    const refusal = await refusalOf(call(name, path, Buffer.from([0xff, 0xff, 0xff])))
    expect(refusal.code, refusal.message).toBe(Grpc.INVALID_ARGUMENT)
  })
})
