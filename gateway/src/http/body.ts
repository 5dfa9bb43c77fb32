import type { FastifyReply, FastifyRequest } from 'fastify'
import { late, type Refusal, tooLarge, tooManyChunks } from './admission.js'

/** Where the bodies of a route go. One of the two is called for each, or none where the client goes away before. */
export interface BodySink {
  readonly bytesMax: number
  /** For all of it. */
  readonly timeoutMs: number
  /** More has come. @returns why there is no room for it; undefined where there is */
  grown?(chunkBytes: number): Refusal | undefined
  /** All of it, empty where there is none. */
  complete(request: FastifyRequest, reply: FastifyReply, body: Buffer): void
  refused(request: FastifyRequest, reply: FastifyReply, refusal: Refusal): void
}

const EMPTY: Buffer = Buffer.alloc(0)

/** Each chunk costs about 2 µs whatever its size, so that a body of them in one byte each would cost 0.1 s. */
const CHUNKS_FREE = 256
/** Of the chunks after those, in the average. */
const CHUNK_BYTES_MIN = 64

/** Reads a body, up to so many bytes and for so long. */
export function readBody(request: FastifyRequest, reply: FastifyReply, sink: BodySink): void {
  const reader = new BodyReader(request, reply, sink)
  request.reader = reader
  request.raw.on('data', (chunk: Buffer) => reader.take(chunk))
  request.raw.on('end', () => reader.end())
  const timer = setTimeout(() => reader.timeOut(), sink.timeoutMs)
  // It comes after the end, and where the client went away before it.
  request.raw.on('close', () => clearTimeout(timer))
  // Whoever asks first is told to go on only here, where nothing in the headers speaks against it.
  if (expectsContinue(request)) reply.raw.writeContinue()
}

/** A body that is being read. An object and not closures over variables: those cost 20 µs of GC per request. */
export class BodyReader {
  /** What has come, and behind it room for more where it came in several chunks. */
  private gathered = EMPTY
  private sizeBytes = 0
  private chunks = 0
  private settled = false

  constructor(
    private readonly request: FastifyRequest,
    private readonly reply: FastifyReply,
    private readonly sink: BodySink,
  ) {}

  take(chunk: Buffer): void {
    if (this.settled) return
    const beforeBytes = this.sizeBytes
    this.sizeBytes += chunk.length
    this.chunks += 1
    if (this.sizeBytes > this.sink.bytesMax) this.refuse(tooLarge(this.sink.bytesMax))
    else if (this.chunks > CHUNKS_FREE + this.sizeBytes / CHUNK_BYTES_MIN) this.refuse(tooManyChunks)
    else if (this.hasNoRoom(chunk.length)) return
    else if (beforeBytes === 0) this.gathered = chunk
    else {
      if (this.sizeBytes > this.gathered.length) this.grow(beforeBytes)
      chunk.copy(this.gathered, beforeBytes)
    }
  }

  end(): void {
    if (this.settled) return
    this.settled = true
    const { gathered, sizeBytes } = this
    const body = gathered.length === sizeBytes ? gathered : gathered.subarray(0, sizeBytes)
    this.sink.complete(this.request, this.reply, body)
  }

  timeOut(): void {
    if (this.settled) return
    this.request.connection.ending = true
    this.refuse(late)
  }

  private hasNoRoom(chunkBytes: number): boolean {
    const refusal = this.sink.grown?.(chunkBytes)
    if (refusal) this.refuse(refusal)
    return refusal !== undefined
  }

  /** By doubling: small chunks cost neither an object each nor a copy of all before them. */
  private grow(filledBytes: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.min(this.sink.bytesMax, Math.max(512, 2 * this.sizeBytes)))
    this.gathered.copy(larger, 0, 0, filledBytes)
    this.gathered = larger
  }

  /** Ends the reading before its end. */
  refuse(refusal: Refusal): void {
    if (this.settled) return
    this.settled = true
    this.gathered = EMPTY
    this.sink.refused(this.request, this.reply, refusal)
  }
}

function expectsContinue({ raw }: FastifyRequest): boolean {
  const { expect } = raw.headers
  return expect !== undefined && raw.httpVersionMinor >= 1 && /^100-continue$/i.test(expect)
}
