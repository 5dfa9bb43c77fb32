import type { Socket } from 'node:net'
import { recordProblems, transportProblems } from '@fractal-lba/http-api'
import { late, type Refusal } from './admission.js'
import type { Answers } from './answers.js'
import { cutWhereTooMuch, isClosing } from './linger.js'
import { connectionOf } from './request-state.js'

const HEADERS_TOO_LARGE: Refusal = {
  kind: transportProblems.headers_too_large,
  detail: 'request line and headers have more bytes than a request may have',
}
const CHUNKS_TOO_LARGE: Refusal = {
  kind: recordProblems.too_large,
  detail: 'the chunk extensions have more bytes than a request may have',
}
const NOT_HTTP: Refusal = {
  kind: transportProblems.not_http,
  detail: 'what came cannot be read as an HTTP/1.1 request',
}

/** What Node's parser and its time limits report, as a refusal; undefined where nobody is there to be told. */
function refusalOf(code: string | undefined): Refusal | undefined {
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return late
    case 'HPE_HEADER_OVERFLOW':
      return HEADERS_TOO_LARGE
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return CHUNKS_TOO_LARGE
    default:
      return code?.startsWith('HPE_') ? NOT_HTTP : undefined
  }
}

/**
 * Answers what never became a request, or stopped being one halfway. The bytes that are written here must not be
 * taken for the answer to an earlier request of the same connection: such a request gets its own first.
 */
export function answerConnectionError(
  error: Error & { readonly code?: string },
  socket: Socket,
  answers: Answers,
): void {
  const refusal = refusalOf(error.code)
  if (isClosing(socket)) {
    if (error.code === 'HPE_INVALID_EOF_STATE') socket.destroy()
    else cutWhereTooMuch(socket)
    return
  }
  // A connection on which nothing ever came is a probe or a spare one: nobody there asked anything.
  if (!refusal || !socket.writable || socket.bytesRead === 0) {
    socket.destroy()
    return
  }
  const connection = connectionOf(socket)
  if (connection.unanswered === 0) {
    answers.refuseConnection(socket, refusal)
    return
  }
  connection.ending = true
  // Where its body is complete, it is not this request that is wrong but what came behind it.
  if (connection.last?.raw.complete === false) connection.last.reader?.refuse(refusal)
}
