import { createServer, type Socket } from 'node:net'
import { monotonicMs } from '@fractal-lba/clock'
import { freePort } from '@fractal-lba/test-servers'
import { expect, it, onTestFinished } from 'vitest'
import { grpcTransport } from './grpc-transport.js'
import { insecure, towards } from './security.js'

it('a channel that is closed while it connects is not connected any more, and opens no other connection', async () => {
  const port = await freePort()
  const sockets: Socket[] = []
  // Takes connections and says nothing, so that they stay half open.
  const server = createServer((socket) => sockets.push(socket.on('error', () => socket.destroy())))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const address = `127.0.0.1:${port}`
  const channel = grpcTransport.open({ name: address, address }, towards(insecure, undefined))
  const ready = channel.ready(monotonicMs() + 10_000).then(
    () => 'ready',
    () => 'not connected',
  )
  await expect.poll(() => sockets.length).toBe(1)
  channel.close()
  expect(await ready).toBe('not connected')
  await new Promise((resolve) => setTimeout(resolve, 100))
  expect(sockets).toHaveLength(1)
})
