import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { rawExchange } from '../../src/raw-http.js'
import { type TestRecord, textOf } from '../../src/records.js'
import { useSystemInProcess } from '../../src/system.js'

// Two readers of one connection that do not agree where a request ends let a client put a request of its own into
// somebody else's. So whatever can be read in two ways is refused, and what stands behind it is read by nobody.

const system = useSystemInProcess('desync', { env: { HEADERS_TIMEOUT: '1s', BODY_TIMEOUT: '1s' } })

const START = 'POST /v1/pcs/submit HTTP/1.1\r\n'
const TYPE = 'Content-Type: application/json\r\n'
const HEAD = `${START}Host: x\r\n${TYPE}`
const CHUNKED = 'Transfer-Encoding: chunked\r\n'

/** A whole request to submit a record. */
function submission(record: TestRecord): string {
  const body = textOf(record)
  return `${HEAD}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
}

const length = (text: string): string => `Content-Length: ${Buffer.byteLength(text)}\r\n`
const inChunk = (text: string): string => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n0\r\n\r\n`

/** Each puts a request where one reader may see a part of a body, and another the next request. */
const ambiguous: readonly (readonly [name: string, bytes: (hidden: string) => string])[] = [
  [
    'a length and chunks, the chunks shorter',
    (hidden) => `${HEAD}${length(`0\r\n\r\n${hidden}`)}${CHUNKED}\r\n0\r\n\r\n${hidden}`,
  ],
  [
    'a length and chunks, the length shorter',
    (hidden) => `${HEAD}Content-Length: 4\r\n${CHUNKED}\r\n${inChunk(hidden)}`,
  ],
  ['chunks and a length behind', (hidden) => `${HEAD}${CHUNKED}Content-Length: 5\r\n\r\n0\r\n\r\n${hidden}`],
  [
    'two lengths, the first shorter',
    (hidden) => `${HEAD}Content-Length: 0\r\n${length(hidden)}\r\n${hidden}`,
  ],
  [
    'two lengths, the second shorter',
    (hidden) => `${HEAD}${length(hidden)}Content-Length: 0\r\n\r\n${hidden}`,
  ],
  ['the same length twice', (hidden) => `${HEAD}Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}${hidden}`],
  ...[
    '0, 2',
    '0,0',
    '+0',
    '-0',
    '0x0',
    '0 0',
    '0;',
    '',
    '00000000000000000000000000000000000000000000000000002',
    '１',
  ].map(
    (text) =>
      [
        `a length of ${JSON.stringify(text)}`,
        (hidden: string) => `${HEAD}Content-Length: ${text}\r\n\r\n${hidden}`,
      ] as const,
  ),
  ...[
    'Transfer-Encoding : chunked',
    'Transfer-Encoding\t: chunked',
    'Transfer-Encoding: xchunked',
    'Transfer-Encoding: chunked, identity',
    'Transfer-Encoding: chunked, chunked',
    'Transfer-Encoding: identity',
    'Transfer-Encoding: \u000bchunked',
    'Transfer-Encoding: chunked\u0000',
    'Transfer-Encoding: "chunked"',
    'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity',
    'Transfer-Encoding: identity\r\nTransfer-Encoding: chunked',
    'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked',
    'Transfer-Encoding: gzip, chunked',
    'Transfer-Encoding:',
    'Transfer-Encoding:\r\n chunked',
    'Transfer-Encoding: chunked\nX: y',
    'X: y\nTransfer-Encoding: chunked',
    'X: y\rTransfer-Encoding: chunked',
    'X: y\r\n Transfer-Encoding: chunked',
    'Transfer_Encoding: chunked\r\nTransfer-Encoding: chunked',
  ].map(
    (line) =>
      [
        `${JSON.stringify(line)} and a length`,
        (hidden: string) => `${HEAD}${line}\r\n${length(`0\r\n\r\n${hidden}`)}\r\n0\r\n\r\n${hidden}`,
      ] as const,
  ),
  ['a space before the colon of a length', (hidden) => `${HEAD}Content-Length : 0\r\n\r\n${hidden}`],
  ['a folded line', (hidden) => `${START}Host: x\r\nX: a\r\n b\r\n${TYPE}Content-Length: 0\r\n\r\n${hidden}`],
  [
    'a fold before the first header',
    (hidden) => `${START} Host: x\r\n${TYPE}Content-Length: 0\r\n\r\n${hidden}`,
  ],
  ['a fold in a length', (hidden) => `${HEAD}Content-Length:\r\n 0\r\n\r\n${hidden}`],
  ['lines that end with a bare LF', (hidden) => `${HEAD.replaceAll('\r', '')}Content-Length: 0\n\n${hidden}`],
  ['a bare LF behind a header', (hidden) => `${HEAD}X: y\nContent-Length: 0\r\n\r\n${hidden}`],
  ['a bare LF at the end of the headers', (hidden) => `${HEAD}Content-Length: 0\r\n\n${hidden}`],
  ['a bare CR in a header', (hidden) => `${HEAD}X: y\rContent-Length: 0\r\n\r\n${hidden}`],
  ['two Hosts', (hidden) => `${HEAD}Host: y\r\nContent-Length: 0\r\n\r\n${hidden}`],
  ['the same Host twice', (hidden) => `${HEAD}Host: x\r\nContent-Length: 0\r\n\r\n${hidden}`],
  ['no Host', (hidden) => `${START}${TYPE}Content-Length: 0\r\n\r\n${hidden}`],
  ['a NUL in a value', (hidden) => `${HEAD}X: a\0b\r\nContent-Length: 0\r\n\r\n${hidden}`],
  ['a NUL in a name', (hidden) => `${HEAD}X\0Y: a\r\nContent-Length: 0\r\n\r\n${hidden}`],
  ['a NUL in the path', (hidden) => `POST /v1/pcs/submit\0 HTTP/1.1\r\nHost: x\r\n\r\n${hidden}`],
  ['a line without a colon', (hidden) => `${HEAD}Content-Length\r\n\r\n${hidden}`],
  ['a name with a space', (hidden) => `${HEAD}X Content-Length: 0\r\n\r\n${hidden}`],
  ['no name', (hidden) => `${HEAD}: 0\r\n\r\n${hidden}`],
  ...['0x5', '-5', '+5', '5 5', ' 5', '5\n', 'fffffffffffffffff', '5;\n', ''].map(
    (size) =>
      [
        `a chunk of ${JSON.stringify(size)}`,
        (hidden: string) => `${HEAD}${CHUNKED}\r\n${size}\r\n12345\r\n0\r\n\r\n${hidden}`,
      ] as const,
  ),
  ['a chunk that is longer than it says', (hidden) => `${HEAD}${CHUNKED}\r\n1\r\n${hidden}\r\n0\r\n\r\n`],
  ['a chunk that ends with a bare LF', (hidden) => `${HEAD}${CHUNKED}\r\n2\r\n{}\n0\r\n\r\n${hidden}`],
  [
    'another version',
    (hidden) => `POST /v1/pcs/submit HTTP/1.2\r\nHost: x\r\nContent-Length: 0\r\n\r\n${hidden}`,
  ],
]

describe('what two readers may read in two ways', () => {
  const hiddenIds: string[] = []

  it.each(ambiguous)('%s: is a 400 or closed, and hides no request', async (_name, bytes) => {
    const { site, client, records } = system()
    const hidden = records.next()
    hiddenIds.push(hidden.pcs_id)
    const answered = await rawExchange(site.port, bytes(submission(hidden)))
    const statuses = [...answered.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => status)
    expect(statuses.length === 0 || statuses.join() === '400', answered).toBe(true)
    expect((await client.outcome(hidden.pcs_id)).status).toBe(404)
  })

  afterAll(async () => {
    expect(hiddenIds).toHaveLength(ambiguous.length)
    const inLog = await logText()
    expect(hiddenIds.filter((id) => inLog.includes(id))).toEqual([])
  })
})

describe('what is clear', () => {
  it('is served, one request behind the other: so one that was hidden would show', async () => {
    const { site, client, records } = system()
    const [one, other] = [records.next(), records.next()]
    const answered = await rawExchange(
      site.port,
      submission(one) + submission(other).replace('Host: x', 'Host: x\r\nConnection: close'),
    )
    expect(answered.match(/HTTP\/1\.1 200 /g)).toHaveLength(2)
    expect((await client.outcome(other.pcs_id)).status).toBe(200)
    expect(await logText()).toContain(other.pcs_id)
  })

  it.each([
    [
      'of a GET',
      (hidden: string) =>
        `GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${length(hidden)}\r\n${hidden}`,
    ],
    [
      'that is refused for its type',
      (hidden: string) =>
        `${START}Host: x\r\nContent-Type: text/plain\r\nConnection: close\r\n${length(hidden)}\r\n${hidden}`,
    ],
    [
      'that is refused though it was to be asked for',
      (hidden: string) =>
        `${START}Host: x\r\nExpect: 100-continue\r\nConnection: close\r\n${length(hidden)}\r\n${hidden}`,
    ],
    ['of a CONNECT', (hidden: string) => `CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n${hidden}`],
    [
      'behind an upgrade',
      (hidden: string) =>
        `GET /health HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, close\r\nUpgrade: h2c\r\n${length(hidden)}\r\n${hidden}`,
    ],
  ])('a request in the body %s is none', async (_name, bytes) => {
    const { site, client, records } = system()
    const hidden = records.next()
    const answered = await rawExchange(site.port, bytes(submission(hidden)))
    expect(answered.match(/HTTP\/1\.1 \d/g)).toHaveLength(1)
    expect((await client.outcome(hidden.pcs_id)).status).toBe(404)
    expect(await logText()).not.toContain(hidden.pcs_id)
  })
})

/** All bytes of the log, in which a record stands as it came. */
async function logText(): Promise<string> {
  const { walDirectory, wal } = system()
  await wal.untilNothingOpen(10_000)
  const files = await readdir(walDirectory, { recursive: true, withFileTypes: true })
  const parts = files
    .filter((file) => file.isFile())
    .map(({ parentPath, name }) => readFile(join(parentPath, name), 'latin1'))
  return (await Promise.all(parts)).join('')
}
