import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

export interface Response {
  readonly status: number
  /** Names in lower case; repeated ones joined by a comma. */
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
}

/** A client that sends exactly the bytes it is given and reads answers as they come. */
export class Connection {
  readonly #socket: Socket
  #received = ''
  #ended = false
  /** Resolves when the other side has ended, or the connection broke. */
  readonly end: Promise<void>

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.setNoDelay(true)
    socket.on('data', (data) => {
      this.#received += data.toString('latin1')
    })
    this.end = new Promise((resolve) => {
      const ended = (): void => {
        this.#ended = true
        resolve()
      }
      socket.on('end', ended)
      socket.on('close', ended)
      socket.on('error', ended)
    })
  }

  /** @param reads false: it takes nothing of what comes */
  static async open(port: number, { reads = true } = {}): Promise<Connection> {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    await once(socket, 'connect')
    const connection = new Connection(socket)
    if (!reads) socket.pause()
    return connection
  }

  send(bytes: string | Buffer): this {
    if (this.#socket.writable) this.#socket.write(bytes)
    return this
  }

  /** Resolves when the kernel has taken all of it; rejects where the other side does not let it. */
  sendAll(bytes: string | Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.write(bytes, (error) => (error ? reject(error) : resolve()))
    })
  }

  /** Sends no more; still listens. */
  finish(): this {
    this.#socket.end()
    return this
  }

  destroy(): void {
    this.#socket.destroy()
  }

  /** All that came and was not read as a response. */
  get rest(): string {
    return this.#received
  }

  get ended(): boolean {
    return this.#ended
  }

  /** @param toHead the response answers a HEAD: it has no body, whatever it says */
  async response(toHead = false): Promise<Response> {
    for (;;) {
      const response = this.#take(toHead)
      if (response) return response
      if (this.#ended) throw new Error(`the connection ended within a response: ${this.#received}`)
      await Promise.race([once(this.#socket, 'data').catch(() => undefined), this.end])
    }
  }

  #take(toHead: boolean): Response | undefined {
    const headEnd = this.#received.indexOf('\r\n\r\n')
    if (headEnd < 0) return undefined
    const [statusLine = '', ...lines] = this.#received.slice(0, headEnd).split('\r\n')
    const headers = new Map<string, string>()
    for (const line of lines) {
      const colon = line.indexOf(':')
      const name = line.slice(0, colon).toLowerCase()
      const value = line.slice(colon + 1).trim()
      const earlier = headers.get(name)
      headers.set(name, earlier === undefined ? value : `${earlier}, ${value}`)
    }
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(statusLine)?.[1])
    if (headers.get('transfer-encoding') === 'chunked') return this.#takeChunks(status, headers, headEnd + 4)
    const length = toHead || status < 200 ? 0 : Number(headers.get('content-length'))
    if (Number.isNaN(length)) throw new Error(`a response without a length: ${this.#received}`)
    const start = headEnd + 4
    if (this.#received.length < start + length) return undefined
    const body = Buffer.from(this.#received.slice(start, start + length), 'latin1').toString('utf8')
    this.#received = this.#received.slice(start + length)
    return { status, headers, body }
  }
  #takeChunks(status: number, headers: ReadonlyMap<string, string>, start: number): Response | undefined {
    let body = ''
    for (let at = start; ; ) {
      const lineEnd = this.#received.indexOf('\r\n', at)
      if (lineEnd < 0) return undefined
      const length = Number.parseInt(this.#received.slice(at, lineEnd), 16)
      const next = lineEnd + 2 + length + 2
      if (this.#received.length < next) return undefined
      body += this.#received.slice(lineEnd + 2, lineEnd + 2 + length)
      at = next
      if (length > 0) continue
      this.#received = this.#received.slice(at)
      return { status, headers, body: Buffer.from(body, 'latin1').toString('utf8') }
    }
  }
}

/** The text of a batch with this body. */
export function batch(body: string, headers: Readonly<Record<string, string>> = {}): string {
  const own = { 'Content-Type': 'application/x-ndjson', 'Content-Length': String(Buffer.byteLength(body)) }
  return requestText('POST', '/v1/pcs/batch', { ...own, ...headers }, body)
}

/** The text of a request. `Host` comes by itself. */
export function requestText(
  method: string,
  path: string,
  headers: Readonly<Record<string, string>> = {},
  body = '',
): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return `${method} ${path} HTTP/1.1\r\nHost: gateway.test\r\n${lines.join('')}\r\n${body}`
}

/** The text of a submission with this body. */
export function submission(body: string, headers: Readonly<Record<string, string>> = {}): string {
  const own = { 'Content-Type': 'application/json', 'Content-Length': String(Buffer.byteLength(body)) }
  return requestText('POST', '/v1/pcs/submit', { ...own, ...headers }, body)
}

/** Sends one request on a connection of its own. */
export async function ask(port: number, text: string | Buffer, toHead = false): Promise<Response> {
  const connection = await Connection.open(port)
  try {
    return await connection.send(text).response(toHead)
  } finally {
    connection.destroy()
  }
}
