import type { ClockExchange } from '../clock/process-clock.js'
import type { AppError } from '../errors.js'
import type { CallContext } from './call-context.js'
import type { MethodDefinition } from './method.js'
import type { ClientSecurity } from './security.js'
import type { Served } from './served.js'

/** Where one server is. */
export interface Endpoint {
  /** host:port as it was configured. */
  readonly name: string
  /** host:port with the address of one server behind that name. */
  readonly address: string
}

/** What carries calls from one service to another. */
export interface Transport {
  /** Whether what serves under this name is reached without its address. */
  knows(name: string): boolean
  open(endpoint: Endpoint, security: ClientSecurity): Channel
  /** Makes a server reachable, beside its gRPC address, for those that share this transport. Returns the way back. */
  register(address: string, served: Served): () => void
}

/** A connection to one server. Errors are AppErrors, whatever carries them. */
export interface Channel {
  readonly isReady: boolean
  /** Resolves when both ends have shaken hands. @throws AppError unavailable: at once when nothing is there. */
  ready(deadlineMs: number): Promise<void>
  /** Calls back once, when the server asks to be left (GOAWAY) or the connection is lost; never after close. */
  onLeave(callback: () => void): void
  unary(method: MethodDefinition, request: unknown, call: ChannelCall): Promise<unknown>
  stream(method: MethodDefinition, request: unknown, call: ChannelCall): ResponseStream
  batches(method: MethodDefinition, events: BatchStreamEvents): BatchStream
  close(): void
}

export interface ChannelCall {
  /** Monotonic; infinite where a stream has none. */
  readonly deadlineMs: number
  readonly context: CallContext | undefined
  /** Told to the other end, and takes note of its own; unary calls alone. */
  readonly clock?: ClockExchange | undefined
}

export interface ResponseStream {
  readonly responses: AsyncIterable<unknown>
  /** Ends it from this side; whoever waits for a response is told that it has ended, or gets an error. */
  cancel(): void
}

export interface BatchRequest {
  readonly batch: number
  readonly items: readonly unknown[]
  /** Of each item, up to the last that has one. */
  readonly contexts: readonly CallContext[]
}

export interface BatchResponse {
  readonly batch: number
  readonly results: readonly unknown[]
}

export interface BatchStream {
  send(request: BatchRequest): void
  /** Nothing is called back after that. */
  cancel(): void
}

export interface BatchStreamEvents {
  response(response: BatchResponse): void
  /** The server has ended the stream in peace: a batch that it has not answered was not taken. */
  ended(): void
  broken(error: AppError): void
}
