/** Frames of HTTP/2 as bytes (RFC 9113, section 4), for what no client would send. */

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
const HEAD_BYTES = 9
const TYPE = { data: 0, headers: 1, resetStream: 3, settings: 4, ping: 6, goaway: 7 } as const
const ACK = 1
const END_STREAM = 1
const END_HEADERS = 4
const CANCEL = 8

function frame(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(HEAD_BYTES)
  head.writeUIntBE(payload.length, 0, 3)
  head.writeUInt8(type, 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

/** What a client begins with. */
export const opening = Buffer.concat([PREFACE, frame(TYPE.settings, 0, 0)])

/** A call of gRPC, as far as its headers. Each is written out, so that no table is kept (RFC 7541, section 6.2.2). */
export function callHeaders(stream: number, path: string): Buffer {
  const headers = [
    [':method', 'POST'],
    [':scheme', 'http'],
    [':authority', 'x'],
    [':path', path],
    ['content-type', 'application/grpc'],
    ['te', 'trailers'],
  ]
  const block = Buffer.concat(
    headers.flatMap(([name = '', value = '']) => [Buffer.from([0]), text(name), text(value)]),
  )
  return frame(TYPE.headers, END_HEADERS, stream, block)
}

/** Below 127 characters, without Huffman's code. */
function text(value: string): Buffer {
  return Buffer.concat([Buffer.from([value.length]), Buffer.from(value)])
}

export function endingData(stream: number, bytes: Buffer): Buffer {
  return frame(TYPE.data, END_STREAM, stream, bytes)
}

export function cancel(stream: number): Buffer {
  const code = Buffer.alloc(4)
  code.writeUInt32BE(CANCEL)
  return frame(TYPE.resetStream, 0, stream, code)
}

/** Reads what a server sends, as far as a client must to be kept. */
export class FrameReader {
  #left = Buffer.alloc(0)
  /** It takes no more streams. */
  isLeaving = false

  /** @returns what must be answered: settings and pings are to be acknowledged */
  feed(bytes: Buffer): readonly Buffer[] {
    const all = Buffer.concat([this.#left, bytes])
    const answers: Buffer[] = []
    let at = 0
    while (all.length - at >= HEAD_BYTES) {
      const end = at + HEAD_BYTES + all.readUIntBE(at, 3)
      if (end > all.length) break
      const [type, flags] = [all[at + 3], all[at + 4] ?? 0]
      const isAck = (flags & ACK) !== 0
      if (type === TYPE.settings && !isAck) answers.push(frame(TYPE.settings, ACK, 0))
      if (type === TYPE.ping && !isAck)
        answers.push(frame(TYPE.ping, ACK, 0, all.subarray(at + HEAD_BYTES, end)))
      if (type === TYPE.goaway) this.isLeaving = true
      at = end
    }
    this.#left = Buffer.from(all.subarray(at))
    return answers
  }
}
