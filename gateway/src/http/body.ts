import type { FastifyReply, FastifyRequest } from 'fastify'
import { type Refusal, tooLarge } from './admission.js'

export interface BodyEvents {
  /** All of it, empty where there is none. */
  readonly complete: (body: Buffer) => void
  readonly refused: (refusal: Refusal) => void
  /** The client went away before the end. */
  readonly gone: () => void
}

const EMPTY = Buffer.alloc(0)

/** Reads a body, up to so many bytes; exactly one of the events follows. Its time limit is the server's. */
export function readBody(
  request: FastifyRequest,
  reply: FastifyReply,
  bytesMax: number,
  { complete, refused, gone }: BodyEvents,
): void {
  const { raw } = request
  let first: Buffer = EMPTY
  let chunks: Buffer[] | undefined
  let sizeBytes = 0

  const onData = (chunk: Buffer): void => {
    sizeBytes += chunk.length
    if (sizeBytes > bytesMax) {
      stop()
      refused(tooLarge(bytesMax))
    } else if (first === EMPTY) first = chunk
    else if (chunks) chunks.push(chunk)
    else chunks = [first, chunk]
  }
  const onEnd = (): void => {
    stop()
    complete(chunks ? Buffer.concat(chunks, sizeBytes) : first)
  }
  const onClose = (): void => {
    stop()
    gone()
  }
  const stop = (): void => {
    request.stopReading = undefined
    raw.off('data', onData)
    raw.off('end', onEnd)
    raw.off('close', onClose)
  }

  request.stopReading = (refusal) => {
    stop()
    refused(refusal)
  }
  raw.on('data', onData)
  raw.on('end', onEnd)
  raw.on('close', onClose)
  // Whoever asks first is told to go on only here, where nothing in the headers speaks against it.
  if (expectsContinue(request)) reply.raw.writeContinue()
}

function expectsContinue({ raw }: FastifyRequest): boolean {
  const { expect } = raw.headers
  return expect !== undefined && raw.httpVersionMinor >= 1 && /^100-continue$/i.test(expect)
}
