import { describe, expect, it } from 'vitest'
import { ResponseParser, UnreadableAnswer } from './response-parser.js'

const answer = (head: string, body = ''): Buffer => Buffer.from(`${head}\r\n\r\n${body}`)

const accepted = answer(
  'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 13\r\nConnection: keep-alive',
  '{"ok":"\r\n\r\n"}',
)

describe('ResponseParser', () => {
  it('reads an answer that comes whole', () => {
    expect(new ResponseParser().feed(accepted)).toMatchObject({ status: 200, keepsConnection: true })
  })

  it('reads the same answer cut at any byte', () => {
    for (let cut = 1; cut < accepted.length; cut += 1) {
      const parser = new ResponseParser()
      expect(parser.feed(accepted.subarray(0, cut)), `cut at ${cut}`).toBeUndefined()
      expect(parser.feed(accepted.subarray(cut)), `cut at ${cut}`).toMatchObject({ status: 200 })
    }
  })

  it('reads an answer that comes byte by byte into the same memory', () => {
    const parser = new ResponseParser()
    const memory = Buffer.alloc(1)
    const answers = [...accepted].map((byte) => {
      memory[0] = byte
      return parser.feed(memory)
    })
    expect(answers.slice(0, -1).every((got) => got === undefined)).toBe(true)
    expect(answers.at(-1)).toMatchObject({ status: 200 })
  })

  it('counts the lines of a batch by status, wherever its chunks are cut', () => {
    const lines = [
      '{"line":1,"status":200,"x":{"status":500}}\n',
      '{"line":2,"status":429,\n{"line":3,"status":200,\n',
    ]
    const chunks = lines.map((line) => `${line.length.toString(16)}\r\n${line}\r\n`).join('')
    const all = answer('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked', `${chunks}0\r\n\r\n`)
    for (let cut = 1; cut < all.length; cut += 1) {
      const parser = new ResponseParser()
      expect(parser.feed(all.subarray(0, cut)), `cut at ${cut}`).toBeUndefined()
      const { lines: counted } = parser.feed(all.subarray(cut)) ?? {}
      expect([...(counted ?? [])], `cut at ${cut}`).toEqual([
        [200, 2],
        [429, 1],
      ])
      expect(parser.feed(accepted)).toMatchObject({ status: 200 })
    }
  })

  it('reads one answer after the other', () => {
    const parser = new ResponseParser()
    const statuses = [200, 202, 409, 503].map((status) => {
      return parser.feed(answer(`HTTP/1.1 ${status} Any Reason\r\ncontent-length:2`, '{}'))?.status
    })
    expect(statuses).toEqual([200, 202, 409, 503])
  })

  it.each([
    [
      'a body of no bytes',
      answer('HTTP/1.1 503 x\r\nContent-Length: 0'),
      { status: 503, keepsConnection: true },
    ],
    ['no reason phrase', answer('HTTP/1.1 200\r\nContent-Length: 0'), { status: 200, keepsConnection: true }],
    [
      'a connection that is closed',
      answer('HTTP/1.1 408 x\r\nConnection: close\r\nContent-Length: 0'),
      { status: 408, keepsConnection: false },
    ],
    [
      'field names in capitals',
      answer('HTTP/1.1 408 x\r\nCONNECTION: CLOSE\r\nCONTENT-LENGTH: 0'),
      { status: 408, keepsConnection: false },
    ],
    ['HTTP/1.0', answer('HTTP/1.0 200 OK\r\nContent-Length: 0'), { status: 200, keepsConnection: false }],
  ])('reads %s', (_, bytes, expected) => {
    expect(new ResponseParser().feed(bytes)).toMatchObject(expected)
  })

  it.each([
    ['no length', answer('HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip')],
    ['a name that only ends in content-length', answer('HTTP/1.1 200 OK\r\nx-content-length: 0')],
    ['a Content-Length that is no number', answer('HTTP/1.1 200 OK\r\nContent-Length: 0x2', '{}')],
    ['more than the answer', answer('HTTP/1.1 200 OK\r\nContent-Length: 2', '{}H')],
    ['no HTTP', answer('SSH-2.0-x')],
    ['a status line that is not the first', answer('x\r\nHTTP/1.1 200 OK\r\nContent-Length: 0')],
    ['HTTP/2', answer('HTTP/2 200\r\nContent-Length: 0')],
    ['a status of four digits', answer('HTTP/1.1 2000 OK\r\nContent-Length: 0')],
    ['a head without end', Buffer.alloc(17_000, 'a')],
    ['a body without end', answer('HTTP/1.1 200 OK\r\nContent-Length: 99999999')],
  ])('refuses %s', (_, bytes) => {
    expect(() => new ResponseParser().feed(bytes)).toThrow(UnreadableAnswer)
  })

  it('refuses a head that grows without end', () => {
    const parser = new ResponseParser()
    const feedMuch = (): void => {
      for (let part = 0; part < 20; part += 1) parser.feed(Buffer.alloc(1_000, 'a'))
    }
    expect(feedMuch).toThrow(UnreadableAnswer)
  })
})
