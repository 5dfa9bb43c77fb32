import { connect } from 'node:net'

/**
 * Writes bytes to a fresh connection and gives back all that comes until the server closes it: for requests that no
 * HTTP client would send.
 */
export function rawExchange(port: number, bytes: string, limitMs = 10_000): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = ''
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes))
    socket.setTimeout(limitMs, () => socket.destroy(new Error(`not closed after ${limitMs} ms: ${received}`)))
    socket.setEncoding('utf8')
    socket.on('data', (part: string) => {
      received += part
    })
    socket.on('error', (error: NodeJS.ErrnoException) => {
      // A server may reset a connection that it does not want to read from; what it said before counts.
      if (error.code === 'ECONNRESET' && received !== '') resolve(received)
      else reject(error)
    })
    socket.on('end', () => socket.end())
    socket.on('close', () => resolve(received))
  })
}
