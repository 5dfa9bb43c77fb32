import type { Server } from 'node:http'
import type { Server as HttpsServer } from 'node:https'

/** Listens on the loopback, at a port that the system chooses. @returns host:port */
export async function listenHere(server: Server | HttpsServer): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('not listening')
  return `127.0.0.1:${address.port}`
}

/** Ends it with all of its connections. */
export function closeNow(server: Server | HttpsServer): void {
  server.closeAllConnections()
  server.close()
}
