import { createServer } from 'node:net'

// Below the ports that the system gives to outgoing connections, and above those of the constellations that are
// tested (packages/local), so that none of these is met.
const FIRST = 26_000
const LAST = 31_999

/** A port of the loopback on which nobody listens now, by chance, so that two runs hardly ever want the same. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST + 1))
    if (await isFree(port)) return port
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
