import { type ClientHttp2Session, connect, constants } from 'node:http2'
import { status as Grpc } from '@grpc/grpc-js'
import { type Random, seededRandom } from '../random.js'
import { changedBytes } from './bytes.js'
import { corpusOf } from './corpus.js'
import { FRONT_METHODS, messageInput, methods } from './messages.js'
import { PROTOBUF_TOKENS } from './protobuf.js'
import { promised, type SocketTarget } from './target.js'

/** Of the contract's section 5. */
const STATUSES = new Set([
  ...[Grpc.OK, Grpc.INVALID_ARGUMENT, Grpc.UNAUTHENTICATED, Grpc.NOT_FOUND, Grpc.ALREADY_EXISTS],
  ...[Grpc.RESOURCE_EXHAUSTED, Grpc.DEADLINE_EXCEEDED, Grpc.UNIMPLEMENTED, Grpc.UNAVAILABLE],
])
const LIMIT_MS = 15_000
const PREFIX_BYTES = 5
const MATERIAL = { tokens: PROTOBUF_TOKENS, others: corpusOf('grpc') }

/** Calls of the gateway's service, with message and framing changed. The first byte says which method. */
export const grpcFrontTarget: SocketTarget = {
  name: 'grpc-front',
  parallel: 32,
  input: (seed) => framedInput(seededRandom(seed)),
  open({ grpcAddress }) {
    let session: ClientHttp2Session | undefined
    const opened = (): ClientHttp2Session => {
      if (!session || session.closed || session.destroyed) {
        session = connect(`http://${grpcAddress}`)
        session.on('error', () => undefined)
      }
      return session
    }
    return {
      async send(input) {
        const path = methods[input[0] ?? 0]?.path ?? '/'
        const status = await call(opened(), path, input.subarray(1))
        if (status === undefined) return 'closed'
        promised(STATUSES.has(status), `a call does not end with ${Grpc[status] ?? status}`)
        return Grpc[status] ?? String(status)
      },
      close: () => session?.destroy(),
    }
  },
}

function framedInput(random: Random): Buffer {
  const input = messageInput(random, FRONT_METHODS)
  const message = input.subarray(1)
  const prefix = Buffer.alloc(PREFIX_BYTES)
  prefix.writeUInt32BE(message.length, 1)
  const framed = Buffer.concat([prefix, message])
  return Buffer.concat([
    input.subarray(0, 1),
    random(10) === 0 ? changedBytes(framed, random, MATERIAL) : framed,
  ])
}

/** @returns the status of gRPC; undefined where the stream ends without one */
function call(session: ClientHttp2Session, path: string, body: Buffer): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const stream = session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
    })
    let status: number | undefined
    const read = (headers: Readonly<Record<string, unknown>>): void => {
      if (headers['grpc-status'] !== undefined) status = Number(headers['grpc-status'])
    }
    stream.on('response', read)
    stream.on('trailers', read)
    stream.on('error', () => undefined)
    stream.on('close', () => resolve(status))
    stream.setTimeout(LIMIT_MS, () => {
      stream.close(constants.NGHTTP2_CANCEL)
      reject(new Error(`a call did not end in ${LIMIT_MS} ms`))
    })
    stream.resume()
    stream.end(body)
  })
}
