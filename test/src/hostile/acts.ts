import { connect as connectHttp2 } from 'node:http2'
import { connect } from 'node:net'
import { ingest } from '@fractal-lba/proto'
import { Client, credentials, status as Grpc, Metadata, type ServiceError } from '@grpc/grpc-js'
import { nested } from '../record-text.js'

/** Where a hostile client sends what it makes. */
export interface HostileTarget {
  /** Of the gateway's HTTP, on this machine's loopback. */
  readonly port: number
  /** host:port of its gRPC. */
  readonly grpcAddress: string
}

/** As a proxy on this machine would tell it: hostile clients have addresses of their own. */
const OWN_ADDRESS = '203.0.113.66'

/** One kind of hostile request. */
export interface HostileAct {
  readonly name: string
  /** How many tokens of TOKEN_RATE it takes at most. */
  readonly tokens: number
  /** What it may be answered with: a status of HTTP or a name of gRPC's. */
  readonly answers: readonly string[]
  /** @returns its answer; for a batch that of each record, once. */
  readonly perform: () => Promise<string>
  /** It waits for a time limit of the gateway: many of these are under way at once. */
  readonly isSlow?: boolean
}

const BODY_BYTES = 64 * 2 ** 10
const GRPC_MESSAGE_BYTES = 4 * 2 ** 20
const RECORDS_OF_A_BATCH = 16
const EXCHANGE_LIMIT_MS = 15_000
const OPEN_CALLS = 64

/** All hostile inputs that the product has been found weak against, on both fronts. */
export function hostileActs(target: HostileTarget): { acts: HostileAct[]; close: () => void } {
  const client = new Client(target.grpcAddress, credentials.createInsecure())
  const http = (
    name: string,
    request: Buffer,
    answers: readonly string[],
    more: Partial<HostileAct> = {},
  ) => ({
    ...{ name: `HTTP: ${name}`, tokens: 1, answers },
    perform: () => statusOf(target.port, request),
    ...more,
  })
  const grpc = (name: string, path: string, request: Buffer, answers: readonly string[], tokens = 1) => ({
    ...{ name: `gRPC: ${name}`, tokens, answers },
    perform: () => call(client, path, request),
  })
  const errors = Buffer.from(bodyOfErrors())
  const { submit, submitBatch, getOutcome } = ingest.IngestServiceService
  const acts: HostileAct[] = [
    http('a body of errors', submission(errors), ['400']),
    http('a body in chunks of one byte', chunked(errors, 1), ['400', '413']),
    http('nesting that is never closed', submission(Buffer.from('{"x":'.repeat(12_000))), ['400']),
    http('nesting without end', submission(Buffer.from(nested(20_000))), ['400']),
    http('no UTF-8', submission(Buffer.alloc(BODY_BYTES, 0xff)), ['400']),
    http('numbers of 60,000 digits', submission(Buffer.from(`{"r":${'9'.repeat(60_000)}}`)), ['400']),
    http('a body that is too large', submission(Buffer.alloc(BODY_BYTES + 1, 0x20)), ['413']),
    http('headers of 100 KB', Buffer.from(`GET / HTTP/1.1\r\nX: ${'y'.repeat(100_000)}\r\n\r\n`), ['431']),
    http('no HTTP', Buffer.from('\0\0GARBAGE\r\n\r\n'), ['400']),
    http(
      'a length and chunks',
      Buffer.from(`${HEAD}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n`),
      ['400'],
    ),
    http('a body that never ends', submission(errors).subarray(0, 1_000), ['408'], {
      tokens: 0,
      isSlow: true,
    }),
    grpc('millions of empty records', submitBatch.path, emptyParts(0x0a), ['RESOURCE_EXHAUSTED'], 0),
    grpc('millions of empty fields', getOutcome.path, emptyParts(0x7a), ['RESOURCE_EXHAUSTED'], 0),
    grpc(
      'a batch of errors',
      submitBatch.path,
      batchOf(RECORDS_OF_A_BATCH, typedErrors()),
      ['INVALID_ARGUMENT'],
      RECORDS_OF_A_BATCH,
    ),
    grpc('texts that are no UTF-8', submit.path, batchOf(1, invalidText()), ['INVALID_ARGUMENT']),
    grpc('no message', getOutcome.path, Buffer.from([0xff, 0xff, 0xff]), ['INVALID_ARGUMENT'], 0),
    {
      name: 'gRPC: calls that are never complete',
      ...{ tokens: 0, answers: ['DEADLINE_EXCEEDED'], isSlow: true },
      perform: () => unfinishedCalls(target.grpcAddress, submit.path),
    },
  ]
  return { acts, close: () => client.close() }
}

const HEAD =
  'POST /v1/pcs/submit HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nConnection: close\r\n' +
  `X-Forwarded-For: ${OWN_ADDRESS}\r\n`

function submission(body: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${HEAD}Content-Length: ${body.length}\r\n\r\n`), body])
}

function chunked(body: Buffer, chunkBytes: number): Buffer {
  const parts: Buffer[] = [Buffer.from(`${HEAD}Transfer-Encoding: chunked\r\n\r\n`)]
  for (let at = 0; at < body.length; at += chunkBytes) {
    const chunk = body.subarray(at, at + chunkBytes)
    parts.push(Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n'))
  }
  return Buffer.concat([...parts, Buffer.from('0\r\n\r\n')])
}

/** As many entries of N_j as a body holds, each of them wrong. */
function bodyOfErrors(): string {
  const entries: string[] = []
  for (let bytes = 20; bytes < BODY_BYTES - 20; bytes += (entries.at(-1)?.length ?? 0) + 1) {
    entries.push(`"k${entries.length}":-1`)
  }
  return `{"N_j":{${entries.join(',')}}}`
}

function typedErrors(): Buffer {
  const nJ = new Map(Array.from({ length: 2_800 }, (_, index) => [`k${index}`, -1]))
  const empty = ingest.PcsRecord.decode(Buffer.alloc(0))
  return Buffer.from(ingest.PcsRecord.encode({ ...empty, nJ }).finish())
}

function invalidText(): Buffer {
  return Buffer.concat([Buffer.from([0x0a, 0x80, 0x80, 0x03]), Buffer.alloc(0xc000, 0xc3)])
}

function batchOf(count: number, record: Buffer): Buffer {
  const writer = ingest.SubmitRequest.encode({ record: undefined })
  for (let made = 0; made < count; made += 1) writer.uint32(0x0a).bytes(record)
  return Buffer.from(writer.finish())
}

function emptyParts(tag: number): Buffer {
  const message = Buffer.alloc(GRPC_MESSAGE_BYTES)
  for (let at = 0; at < message.length; at += 2) message[at] = tag
  return message
}

/** The status of what is answered to these bytes; 'closed' where nothing is. */
function statusOf(port: number, request: Buffer): Promise<string> {
  return new Promise((resolve) => {
    let received = ''
    const socket = connect(port, '127.0.0.1', () => socket.write(request))
    const settle = (): void => {
      socket.destroy()
      resolve(/^HTTP\/1\.1 (\d{3})/.exec(received)?.[1] ?? 'closed')
    }
    socket.setTimeout(EXCHANGE_LIMIT_MS, settle)
    socket.setEncoding('latin1')
    socket.on('data', (part: string) => {
      received += part
      if (received.includes('\r\n\r\n')) settle()
    })
    socket.on('error', settle)
    socket.on('close', settle)
  })
}

const raw = (bytes: Buffer): Buffer => bytes

function call(client: Client, path: string, request: Buffer): Promise<string> {
  const deadline = Date.now() + EXCHANGE_LIMIT_MS
  const metadata = new Metadata()
  metadata.set('x-forwarded-for', OWN_ADDRESS)
  return new Promise((resolve) => {
    client.makeUnaryRequest(path, raw, raw, request, metadata, { deadline }, (error, answer) => {
      resolve(error ? nameOf(error.code) : resultsOf(answer ?? Buffer.alloc(0)))
    })
  })
}

/** What the records of a batch were answered, each answer once. */
function resultsOf(answer: Buffer): string {
  const { results } = ingest.SubmitBatchResponse.decode(answer)
  const names = results.map(({ result }) => (result?.$case === 'error' ? nameOf(result.value.code) : 'OK'))
  return [...new Set(names)].join()
}

function nameOf(code: ServiceError['code'] | number): string {
  return Grpc[code] ?? String(code)
}

/** Many calls on one connection that send a part of a message; the statuses that they end with. */
function unfinishedCalls(address: string, path: string): Promise<string> {
  const session = connectHttp2(`http://${address}`)
  session.on('error', () => undefined)
  const headers = {
    ':method': 'POST',
    ':path': path,
    'content-type': 'application/grpc',
    te: 'trailers',
    'x-forwarded-for': OWN_ADDRESS,
  }
  const ends = Array.from({ length: OPEN_CALLS }, () => {
    const stream = session.request(headers)
    stream.on('error', () => undefined)
    stream.resume()
    stream.write(Buffer.from([0, 0, 0]))
    return new Promise<string>((resolve) => {
      const read = (found: Record<string, unknown>): void => {
        if (found['grpc-status'] !== undefined) resolve(nameOf(Number(found['grpc-status'])))
      }
      stream.on('response', read)
      stream.on('trailers', read)
      stream.on('close', () => resolve('closed'))
    })
  })
  return Promise.all(ends).then((names) => {
    session.destroy()
    return [...new Set(names)].join()
  })
}
