/** What a load client needs to know of an answer. */
export interface Answer {
  readonly status: number
  /** False: the server ends the connection after this answer. */
  readonly keepsConnection: boolean
  /** What a refusal (4xx, 5xx) says: the beginning of its body, as far as it came with its head. */
  readonly refusal?: string
  /** Of a batch: how many of its lines have which status. */
  readonly lines?: ReadonlyMap<number, number>
}

/** The other side does not speak the HTTP/1.1 that this client reads: one answer at a time, with its length or in chunks. */
export class UnreadableAnswer extends Error {
  override readonly name = 'UnreadableAnswer'
}

const HEAD_BYTES_MAX = 16 * 2 ** 10
const BODY_BYTES_MAX = 2 ** 20
const REFUSAL_BYTES_MAX = 500

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-5]\d\d)(?: |$)/m
const CONTENT_LENGTH = /^content-length:[ \t]*(\d{1,9})[ \t]*$/im
const IN_CHUNKS = /^transfer-encoding:[ \t]*chunked[ \t]*$/im
/** No line of JSON has this in it. */
const LAST_CHUNK = '\r\n0\r\n\r\n'
const LINE_STATUS = /^\{"line":\d+,"status":(\d{3}),/gm
const CONNECTION_CLOSE = /^connection:[ \t]*close[ \t]*$/im

interface Head extends Answer {
  /** Undefined: it comes in chunks. */
  readonly bodyBytes: number | undefined
}

/**
 * Finds the end of answers on one connection without pipelining. It looks at nothing else of good
 * ones, because it runs on the machine whose speed it helps to measure.
 */
export class ResponseParser {
  /** The beginning of a head whose end has not come yet. */
  #partialHead: Buffer | undefined
  /** A head whose body is not complete. */
  #head: Head | undefined
  #bodyBytesDue = 0
  /** Of a body in chunks. */
  #chunks: Buffer[] = []

  /**
   * @param bytes what came; not kept, so that the caller may read into the same memory again.
   * @returns the answer that these bytes complete, or undefined when more must come.
   * @throws UnreadableAnswer
   */
  feed(bytes: Buffer): Answer | undefined {
    if (this.#head) return this.#takeBody(this.#head, bytes)
    const all = this.#partialHead ? Buffer.concat([this.#partialHead, bytes]) : bytes
    const headEnd = all.indexOf('\r\n\r\n')
    if (headEnd > HEAD_BYTES_MAX || (headEnd < 0 && all.length > HEAD_BYTES_MAX)) {
      throw new UnreadableAnswer(`the head of an answer is longer than ${HEAD_BYTES_MAX} bytes`)
    }
    if (headEnd < 0) {
      this.#partialHead = Buffer.from(all)
      return undefined
    }
    this.#partialHead = undefined
    const bodyStart = headEnd + 4
    const head = parseHead(all.toString('latin1', 0, headEnd))
    this.#head = head.status < 400 ? head : { ...head, refusal: beginningOf(all, bodyStart) }
    this.#bodyBytesDue = head.bodyBytes ?? 0
    return this.#takeBody(this.#head, all.subarray(bodyStart))
  }

  #takeBody(head: Head, bytes: Buffer): Answer | undefined {
    if (head.bodyBytes === undefined) return this.#takeChunks(head, bytes)
    this.#bodyBytesDue -= bytes.length
    if (this.#bodyBytesDue > 0) return undefined
    if (this.#bodyBytesDue < 0) throw new UnreadableAnswer('more came than the answer that was asked for')
    this.#head = undefined
    return head
  }

  #takeChunks(head: Head, bytes: Buffer): Answer | undefined {
    this.#chunks.push(Buffer.from(bytes))
    const sizeBytes = this.#chunks.reduce((sum, chunk) => sum + chunk.length, 0)
    if (sizeBytes > BODY_BYTES_MAX) throw new UnreadableAnswer(`a body of more than ${BODY_BYTES_MAX} bytes`)
    const end = Buffer.concat(this.#chunks.slice(-LAST_CHUNK.length)).subarray(-LAST_CHUNK.length)
    if (end.toString('latin1') !== LAST_CHUNK) return undefined
    const text = Buffer.concat(this.#chunks).toString('latin1')
    this.#chunks = []
    this.#head = undefined
    return { ...head, lines: statusesOf(text) }
  }
}

function statusesOf(text: string): ReadonlyMap<number, number> {
  const counts = new Map<number, number>()
  for (const [, status] of text.matchAll(LINE_STATUS)) {
    counts.set(Number(status), (counts.get(Number(status)) ?? 0) + 1)
  }
  return counts
}

function beginningOf(bytes: Buffer, start: number): string {
  return bytes.toString('utf8', start, Math.min(bytes.length, start + REFUSAL_BYTES_MAX))
}

function parseHead(text: string): Head {
  const statusLine = STATUS_LINE.exec(text)
  if (statusLine?.index !== 0) throw new UnreadableAnswer('no status line of HTTP/1.1')
  const length = CONTENT_LENGTH.exec(text)
  if (!length && !IN_CHUNKS.test(text)) throw new UnreadableAnswer('an answer without a length')
  const bodyBytes = length ? Number(length[1]) : undefined
  if (bodyBytes !== undefined && bodyBytes > BODY_BYTES_MAX)
    throw new UnreadableAnswer(`a body of more than ${BODY_BYTES_MAX} bytes`)
  const keepsConnection = statusLine[1] === '1' && !CONNECTION_CLOSE.test(text)
  return { status: Number(statusLine[2]), keepsConnection, bodyBytes }
}
