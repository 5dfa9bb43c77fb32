import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'

/** How long, and for how many bytes, a refused client is listened to before the connection is cut. */
const LINGER_MS = 2_000
const LINGER_BYTES_MAX = 16 * 2 ** 20

/** Connections that have said their last word, and the count of received bytes at which each is cut. */
const cutAtBytes = new WeakMap<Socket, number>()

/**
 * Ends a connection whose client may still be sending. Closing it at once would make the kernel answer the next
 * bytes with a reset, and a reset makes the client lose the answer that it has not read yet. So only our side
 * ends, and what still comes is thrown away for a while.
 */
export function closeAfterReading(socket: Socket): void {
  cutAtBytes.set(socket, socket.bytesRead + LINGER_BYTES_MAX)
  socket.end()
  throwAway(socket)
  const timer = setTimeout(() => socket.destroy(), LINGER_MS)
  socket.once('close', () => clearTimeout(timer))
}

/** Reads nothing more from a connection that is answered later, and then closed. */
export function hold(socket: Socket): void {
  cutAtBytes.set(socket, socket.bytesRead + LINGER_BYTES_MAX)
  throwAway(socket)
  // Node's parser, which is at work on what was read, starts the reading once more behind us.
  setImmediate(() => socket.pause())
}

/** Takes the connection from Node's parser, for which small chunks are dear. Node lets go where another listens. */
function throwAway(socket: Socket): void {
  const discard = (): void => cutWhereTooMuch(socket)
  socket.on('data', discard)
  for (const listener of socket.rawListeners('data')) {
    if (listener !== discard) socket.off('data', listener as () => void)
  }
  socket.resume()
}

/**
 * Reads a refused body away. What Node's parser has in hand goes on chunk by chunk to its end: a read of 64 KiB has 10,000
 * chunks of one byte, and each that is emitted costs 2 µs. Node has a switch for bodies that nobody reads, and uses it
 * itself; where a version has it no more, the chunks are emitted and nobody listens.
 */
export function readAway(request: IncomingMessage): void {
  const dump: unknown = Reflect.get(request, '_dump')
  if (typeof dump === 'function') dump.call(request)
  else request.removeAllListeners('data').resume()
}

export function isClosing(socket: Socket): boolean {
  return cutAtBytes.has(socket)
}

/** To be called as more comes in from such a connection. */
export function cutWhereTooMuch(socket: Socket): void {
  if (socket.bytesRead > (cutAtBytes.get(socket) ?? 0)) socket.destroy()
}
