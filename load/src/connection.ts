import { connect, type Socket } from 'node:net'
import { connect as connectSecurely } from 'node:tls'
import { type Answer, ResponseParser } from './response-parser.js'

const CONNECT_TIMEOUT_MS = 5_000
const ANSWER_TIMEOUT_MS = 30_000

interface Address {
  readonly host: string
  readonly port: number
  /** By TLS, the authority that the server must be signed by (PEM); plain without it. */
  readonly ca?: string | undefined
}

export interface ConnectionEvents {
  readonly onAnswer: (connection: Connection, answer: Answer, latencyMs: number, nowMs: number) => void
  /** A request was sent and will get no answer. */
  readonly onLost: (connection: Connection, why: string) => void
}

/** One keep-alive connection with at most one request under way. */
export class Connection {
  readonly #address: Address
  readonly #readBuffer: Buffer
  readonly #events: ConnectionEvents
  #parser = new ResponseParser()
  #socket: Socket | undefined
  /** Monotonic; undefined while no answer is due. */
  #sentAtMs: number | undefined

  constructor(address: Address, readBuffer: Buffer, events: ConnectionEvents) {
    this.#address = address
    this.#readBuffer = readBuffer
    this.#events = events
  }

  get isOpen(): boolean {
    return this.#socket !== undefined
  }

  open(): Promise<void> {
    const { host, port, ca } = this.#address
    return new Promise((resolve, reject) => {
      const onread = {
        buffer: this.#readBuffer,
        callback: (count: number): boolean => {
          if (socket === this.#socket) this.#onBytes(this.#readBuffer.subarray(0, count))
          return true
        },
      }
      const address = { host, port, onread }
      const socket: Socket = ca === undefined ? connect(address) : connectSecurely({ ...address, ca })
      socket.setNoDelay()
      socket.setTimeout(CONNECT_TIMEOUT_MS, () => socket.destroy(new Error('no connection in time')))
      socket.once(ca === undefined ? 'connect' : 'secureConnect', () => {
        socket.setTimeout(0)
        this.#socket = socket
        this.#parser = new ResponseParser()
        resolve()
      })
      socket.on('error', (error) => {
        reject(error)
        this.#lose(socket, reasonOf(error))
      })
      socket.on('close', () => {
        reject(new Error('the connection was closed'))
        this.#lose(socket, 'the server closed the connection')
      })
    })
  }

  send(request: Buffer, nowMs: number): void {
    this.#sentAtMs = nowMs
    this.#socket?.write(request)
  }

  giveUpIfLate(nowMs: number): void {
    if (this.#sentAtMs !== undefined && nowMs - this.#sentAtMs > ANSWER_TIMEOUT_MS && this.#socket) {
      this.#lose(this.#socket, `no answer within ${ANSWER_TIMEOUT_MS} ms`)
    }
  }

  close(): void {
    this.#sentAtMs = undefined
    this.#socket?.destroy()
    this.#socket = undefined
  }

  #onBytes(bytes: Buffer): void {
    const socket = this.#socket
    if (!socket) return
    let answer: Answer | undefined
    try {
      answer = this.#parser.feed(bytes)
    } catch (error) {
      this.#lose(socket, reasonOf(error))
    }
    if (!answer) return
    const nowMs = performance.now()
    const sentAtMs = this.#sentAtMs
    this.#sentAtMs = undefined
    // What comes unasked is a server that says why it closes an idle connection.
    if (!answer.keepsConnection || sentAtMs === undefined) this.close()
    if (sentAtMs !== undefined) this.#events.onAnswer(this, answer, nowMs - sentAtMs, nowMs)
  }

  #lose(socket: Socket, why: string): void {
    socket.destroy()
    if (socket !== this.#socket) return
    const wasAsked = this.#sentAtMs !== undefined
    this.close()
    if (wasAsked) this.#events.onLost(this, why)
  }
}

/** A few words that are the same for all failures of a kind. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message
}
