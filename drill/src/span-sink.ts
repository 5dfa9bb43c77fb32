import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Takes spans by OTLP over HTTP and forgets them; it can go away and come back. */
export class SpanSink {
  readonly #port: number
  #server: Server

  private constructor(server: Server) {
    this.#server = server
    this.#port = (server.address() as AddressInfo).port
  }

  static async start(): Promise<SpanSink> {
    return new SpanSink(await listening(0))
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  async comeBack(): Promise<void> {
    this.#server = await listening(this.#port)
  }

  /** Nobody listens at its port from then on. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve())
      this.#server.closeAllConnections()
    })
  }
}

function listening(port: number): Promise<Server> {
  const server = createServer((request, response) => {
    request
      .resume()
      .on('end', () => response.writeHead(200, { 'content-type': 'application/json' }).end('{}'))
  })
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => resolve(server))
  })
}
