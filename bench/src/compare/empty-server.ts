// What HTTP takes by itself: an answer without a body, from a process of its own. It ends with its parent.
import { createServer } from 'node:http'

const server = createServer((_, response) => response.writeHead(200, { 'Content-Length': 0 }).end())
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no port')
  process.send?.(address.port)
})
process.on('disconnect', () => process.exit())
