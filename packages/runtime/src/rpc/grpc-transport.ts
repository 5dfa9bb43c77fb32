import { isIPv6 } from 'node:net'
import { monotonicMs } from '@fractal-lba/clock'
import { Client, type ClientReadableStream, connectivityState, type ServiceError } from '@grpc/grpc-js'
import { parseAddress } from '../env.js'
import { fromServiceError, late, notConnected } from '../errors.js'
import { toMetadata, wallDeadlineMs } from './call-context.js'
import { noteClock, withClock } from './clock-metadata.js'
import { clientOptions } from './limits.js'
import type { MethodDefinition } from './method.js'
import type { ClientSecurity } from './security.js'
import type {
  BatchRequest,
  BatchResponse,
  BatchStream,
  BatchStreamEvents,
  Channel,
  ChannelCall,
  Endpoint,
  ResponseStream,
  Transport,
} from './transport.js'

const { READY, SHUTDOWN, TRANSIENT_FAILURE } = connectivityState

/** gRPC over HTTP/2, each channel over a connection of its own. */
export const grpcTransport: Transport = {
  knows: () => false,
  open: (endpoint, security) => new GrpcChannel(endpoint, security),
  register: () => () => undefined,
}

/** An address needs no resolver; the name stays what the server is asked for by. */
function targetOf(address: string): string {
  const host = parseAddress(address)?.host ?? ''
  return `${isIPv6(host) ? 'ipv6' : 'ipv4'}:${address}`
}

class GrpcChannel implements Channel {
  readonly #client: Client
  #isClosed = false

  constructor({ name, address }: Endpoint, security: ClientSecurity) {
    const options = { ...clientOptions, ...security.options, 'grpc.default_authority': name }
    this.#client = new Client(targetOf(address), security.credentials(), options)
  }

  /** @throws AppError where it was closed since it was ready */
  get #open(): Client {
    if (this.#isClosed) throw notConnected()
    return this.#client
  }

  get isReady(): boolean {
    return this.#client.getChannel().getConnectivityState(false) === READY
  }

  ready(deadlineMs: number): Promise<void> {
    const channel = this.#client.getChannel()
    const deadline = wallDeadlineMs(deadlineMs)
    return new Promise((resolve, reject) => {
      const look = (): void => {
        // grpc-js 1.14 connects even a channel that is closed when it is asked to, and nobody would end that connection.
        if (this.#isClosed) {
          reject(notConnected())
          return
        }
        const state = channel.getConnectivityState(true)
        if (state === READY) resolve()
        else if (state === TRANSIENT_FAILURE || state === SHUTDOWN) reject(notConnected())
        else
          channel.watchConnectivityState(state, deadline, (error) => (error ? reject(late(error)) : look()))
      }
      look()
    })
  }

  onLeave(callback: () => void): void {
    this.#client.getChannel().watchConnectivityState(READY, Number.POSITIVE_INFINITY, () => {
      if (!this.#isClosed) callback()
    })
  }

  unary(
    { path, requestSerialize, responseDeserialize }: MethodDefinition,
    request: unknown,
    { deadlineMs, context, clock }: ChannelCall,
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const sentMs = monotonicMs()
      const call = this.#open.makeUnaryRequest(
        path,
        requestSerialize as (value: unknown) => Buffer,
        responseDeserialize,
        request,
        withClock(toMetadata(context), clock),
        { deadline: wallDeadlineMs(deadlineMs) },
        (error, response) => (error ? reject(fromServiceError(error)) : resolve(response)),
      )
      if (clock) call.once('status', ({ metadata }) => noteClock(clock, metadata, sentMs, monotonicMs()))
    })
  }

  stream(
    { path, requestSerialize, responseDeserialize }: MethodDefinition,
    request: unknown,
    { deadlineMs, context }: ChannelCall,
  ): ResponseStream {
    const stream = this.#open.makeServerStreamRequest(
      path,
      requestSerialize as (value: unknown) => Buffer,
      responseDeserialize,
      request,
      toMetadata(context),
      { deadline: wallDeadlineMs(deadlineMs) },
    )
    // The reader gets the error too; without a listener, one that comes after the reading would end the process.
    stream.on('error', () => undefined)
    return { responses: responsesOf(stream), cancel: () => stream.cancel() }
  }

  batches(
    { path, requestSerialize, responseDeserialize }: MethodDefinition,
    events: BatchStreamEvents,
  ): BatchStream {
    const stream = this.#open.makeBidiStreamRequest(
      path,
      requestSerialize as (value: unknown) => Buffer,
      responseDeserialize,
    )
    let over = false
    const once = (tell: () => void): void => {
      if (over) return
      over = true
      tell()
    }
    stream.on('data', (response: BatchResponse) => {
      if (!over) events.response(response)
    })
    stream.on('error', (error: ServiceError) => once(() => events.broken(fromServiceError(error))))
    stream.on('end', () => once(() => events.ended()))
    return {
      send: (request: BatchRequest) => void stream.write(request),
      cancel: () => once(() => stream.cancel()),
    }
  }

  close(): void {
    this.#isClosed = true
    this.#client.close()
  }
}

async function* responsesOf(stream: ClientReadableStream<unknown>): AsyncGenerator<unknown> {
  try {
    yield* stream as AsyncIterable<unknown>
  } catch (error) {
    throw fromServiceError(error as ServiceError)
  } finally {
    stream.cancel()
  }
}
