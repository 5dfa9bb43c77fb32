import type { FastifyReply, FastifyRequest } from 'fastify'
import { type Refusal, tooLarge } from './admission.js'

/** Where the bodies of a route go. One of the two is called for each, or none where the client goes away before. */
export interface BodySink {
  readonly bytesMax: number
  /** All of it, empty where there is none. */
  complete(request: FastifyRequest, reply: FastifyReply, body: Buffer): void
  refused(request: FastifyRequest, reply: FastifyReply, refusal: Refusal): void
}

const EMPTY: Buffer = Buffer.alloc(0)

/** Reads a body, up to so many bytes. Its time limit is the server's. */
export function readBody(request: FastifyRequest, reply: FastifyReply, sink: BodySink): void {
  const reader = new BodyReader(request, reply, sink)
  request.reader = reader
  request.raw.on('data', (chunk: Buffer) => reader.take(chunk))
  request.raw.on('end', () => reader.end())
  // Whoever asks first is told to go on only here, where nothing in the headers speaks against it.
  if (expectsContinue(request)) reply.raw.writeContinue()
}

/** A body that is being read. An object and not closures over variables: those cost 20 µs of GC per request. */
export class BodyReader {
  private first = EMPTY
  private chunks: Buffer[] | undefined
  private sizeBytes = 0
  private settled = false

  constructor(
    private readonly request: FastifyRequest,
    private readonly reply: FastifyReply,
    private readonly sink: BodySink,
  ) {}

  take(chunk: Buffer): void {
    this.sizeBytes += chunk.length
    if (this.sizeBytes > this.sink.bytesMax) this.refuse(tooLarge(this.sink.bytesMax))
    else if (this.first === EMPTY) this.first = chunk
    else if (this.chunks) this.chunks.push(chunk)
    else this.chunks = [this.first, chunk]
  }

  end(): void {
    if (this.settled) return
    this.settled = true
    const body = this.chunks ? Buffer.concat(this.chunks, this.sizeBytes) : this.first
    this.sink.complete(this.request, this.reply, body)
  }

  /** Ends the reading before its end. */
  refuse(refusal: Refusal): void {
    if (this.settled) return
    this.settled = true
    this.sink.refused(this.request, this.reply, refusal)
  }
}

function expectsContinue({ raw }: FastifyRequest): boolean {
  const { expect } = raw.headers
  return expect !== undefined && raw.httpVersionMinor >= 1 && /^100-continue$/i.test(expect)
}
