import { connect } from 'node:net'
import { type Random, seededRandom } from '../random.js'
import { changedBytes, oneOf } from './bytes.js'
import { corpusOf } from './corpus.js'
import { recordBody } from './json.js'
import { randomRecord } from './records.js'
import { promised, type SocketTarget } from './target.js'

/** Of the contract's section 5, with what comes before there is a request (431), and "go on" (100). */
const STATUSES = new Set([100, 200, 202, 400, 401, 404, 405, 408, 409, 413, 415, 429, 431, 503])
const LIMIT_MS = 15_000

const HEADERS = [
  ...[
    'Host: x',
    'Host: y',
    'Content-Type: application/json',
    'Content-Type: text/plain',
    'Connection: close',
  ],
  ...[
    'Content-Length: 0',
    'Content-Length: 5',
    'Content-Length: -1',
    'Content-Length: 5, 5',
    'Content-Length: +5',
  ],
  ...[
    'Transfer-Encoding: chunked',
    'Transfer-Encoding: gzip, chunked',
    'Transfer-Encoding: xchunked',
    'TE: trailers',
  ],
  ...[
    'Transfer-Encoding : chunked',
    'Transfer-Encoding:\tchunked',
    ' Transfer-Encoding: chunked',
    'X: a\r\n b',
    'X: \0',
  ],
  ...[
    'Expect: 100-continue',
    'Expect: x',
    'Upgrade: h2c',
    'Connection: Upgrade, HTTP2-Settings',
    'X-Request-Id: \xff',
  ],
  ...[
    'Content-Encoding: gzip',
    'X-Forwarded-For: 1.2.3.4, x',
    'traceparent: 00-0-0-00',
    `X: ${'y'.repeat(17_000)}`,
  ],
] as const
const PATHS = [
  '/v1/pcs/submit',
  '/v1/pcs/submit/',
  '/health',
  '/ready',
  '*',
  'http://x/health',
  '/%2e%2e/',
  '/v1/pcs/%00',
] as const
const METHODS = ['POST', 'GET', 'HEAD', 'OPTIONS', 'PUT', 'CONNECT', 'PRI', 'post', 'QUERY'] as const
const VERSIONS = ['HTTP/1.1', 'HTTP/1.0', 'HTTP/2.0', 'HTTP/1.2', 'HTTP/0.9', ''] as const
const LINES = ['\r\n', '\n', '\r', '\r\n\r\n'] as const
const TOKENS = [
  ...HEADERS,
  ...PATHS,
  ...METHODS,
  ...VERSIONS,
  ...LINES,
  '0\r\n\r\n',
  '5\r\n',
  'fffffffffffffffff\r\n',
  ' ',
  ':',
]
const MATERIAL = { tokens: TOKENS.map((text) => Buffer.from(text, 'latin1')), others: corpusOf('http-raw') }

/** Whatever bytes on a connection, which then ends from our side. */
export const httpRawTarget: SocketTarget = {
  name: 'http-raw',
  parallel: 16,
  input: (seed) => connectionBytes(seededRandom(seed)),
  open: ({ httpPort }) => ({
    async send(bytes) {
      const statuses = statusesOf(await exchange(httpPort, bytes))
      for (const status of statuses)
        promised(STATUSES.has(status), `a connection is not answered with ${status}`)
      return statuses.length === 0 ? 'closed' : statuses.slice(0, 3).join(' ')
    },
    close: () => undefined,
  }),
}

function connectionBytes(random: Random): Buffer {
  const requests = Array.from({ length: 1 + (random(4) === 0 ? random(3) : 0) }, () => request(random))
  const bytes = Buffer.concat(requests)
  return random(3) === 0 ? bytes : changedBytes(bytes, random, MATERIAL)
}

function request(random: Random): Buffer {
  if (random(4) === 0) return MATERIAL.others[random(MATERIAL.others.length)] ?? Buffer.alloc(0)
  const isUsual = random(4) > 0
  const line = isUsual
    ? ['POST', PATHS[0], VERSIONS[0]]
    : [oneOf(METHODS, random), oneOf(PATHS, random), oneOf(VERSIONS, random)]
  const body = random(4) === 0 ? recordBody(random) : Buffer.from(randomRecord(random).text)
  const headers = ['Host: x', 'Content-Type: application/json', ...lengthOf(body, random)]
  for (let more = random(3); more > 0; more -= 1)
    headers.splice(random(headers.length + 1), 0, oneOf(HEADERS, random))
  const end = random(24) === 0 ? oneOf(LINES, random) : '\r\n'
  const head = Buffer.from(
    `${line.join(' ')}${end}${headers.map((header) => header + end).join('')}${end}`,
    'latin1',
  )
  return Buffer.concat([head, headers.includes('Transfer-Encoding: chunked') ? chunked(body, random) : body])
}

function lengthOf(body: Buffer, random: Random): readonly string[] {
  switch (random(8)) {
    case 0:
      return ['Transfer-Encoding: chunked']
    case 1:
      return [`Content-Length: ${body.length}`, oneOf(HEADERS, random)]
    case 2:
      return [`Content-Length: ${body.length + random(7) - 3}`]
    default:
      return [`Content-Length: ${body.length}`]
  }
}

function chunked(body: Buffer, random: Random): Buffer {
  const parts: Buffer[] = []
  for (let at = 0; at < body.length; ) {
    const chunk = body.subarray(at, at + 1 + random(400))
    const size = random(40) === 0 ? chunk.length + random(3) - 1 : chunk.length
    parts.push(
      Buffer.from(`${size.toString(16)}${random(20) === 0 ? ';x="y"' : ''}\r\n`),
      chunk,
      Buffer.from('\r\n'),
    )
    at += chunk.length
  }
  return Buffer.concat([...parts, Buffer.from(random(20) === 0 ? '0\r\nX: y\r\n\r\n' : '0\r\n\r\n')])
}

/** All that comes back until the connection is closed. */
function exchange(port: number, bytes: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = []
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true }, () => socket.end(bytes))
    socket.setTimeout(LIMIT_MS, () => socket.destroy(new Error(`not closed after ${LIMIT_MS} ms`)))
    socket.on('data', (part: Buffer) => parts.push(part))
    socket.on('error', (error: NodeJS.ErrnoException) => {
      // A connection that is not wanted any more may be reset; what was said before counts.
      if (error.code === 'ECONNRESET' || error.code === 'EPIPE') resolve(Buffer.concat(parts))
      else reject(error)
    })
    socket.on('close', () => resolve(Buffer.concat(parts)))
  })
}

/** The statuses of answers, one behind the other. @throws BrokenPromise where the bytes are no answers */
export function statusesOf(bytes: Buffer): readonly number[] {
  const statuses: number[] = []
  for (let at = 0; at < bytes.length; ) {
    const headEnd = bytes.indexOf('\r\n\r\n', at)
    // A reset may have cut it.
    if (headEnd < 0) break
    const head = bytes.toString('latin1', at, headEnd)
    const status = Number(/^HTTP\/1\.[01] (\d{3}) /.exec(head)?.[1])
    promised(status > 0, 'what comes are answers of HTTP/1.1')
    statuses.push(status)
    const length = status === 100 ? 0 : Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? bytes.length)
    const isNext = /^HTTP\/1/.test(bytes.toString('latin1', headEnd + 4, headEnd + 10))
    // The answer to HEAD has the length of a body that does not come.
    at = headEnd + 4 + (isNext ? 0 : length)
  }
  return statuses
}
