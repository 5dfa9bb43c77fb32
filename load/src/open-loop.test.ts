import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { OpenLoop } from './open-loop.js'
import { submitRequest } from './records.js'

let server: Server | undefined
let loop: OpenLoop | undefined

afterEach(async () => {
  loop?.close()
  server?.closeAllConnections()
  await new Promise((resolve) => server?.close(resolve) ?? resolve(undefined))
  server = undefined
  loop = undefined
})

async function loopOf(respond: (response: ServerResponse) => void, connections: number): Promise<OpenLoop> {
  const listening = createServer((request, response) => {
    request.resume().on('end', () => respond(response))
  })
  await new Promise<void>((resolve) => {
    listening.listen(0, '127.0.0.1', resolve)
  })
  server = listening
  loop = await OpenLoop.open({
    host: '127.0.0.1',
    port: (listening.address() as AddressInfo).port,
    connections,
  })
  return loop
}

const next = (): Buffer => submitRequest('{}')
const reply = (response: ServerResponse): void => {
  response.writeHead(200, { 'Content-Length': 2 }).end('{}')
}

describe('OpenLoop', () => {
  it('sends as many as arrive, whatever the answers do', async () => {
    const result = await (await loopOf(reply, 4)).run({ next, perSecond: 400, durationMs: 500 })
    expect(result.answers).toBe(200)
    expect(Object.fromEntries(result.answersByStatus)).toEqual({ 200: 200 })
    expect(result.failures.size).toBe(0)
  })

  it('counts a latency from the arrival, also while no connection is free', async () => {
    // One connection, 20 ms for each answer, an arrival each millisecond: the tenth waits for nine others.
    const slow = await loopOf((response) => setTimeout(reply, 20, response), 1)
    const { latencies, answers } = await slow.run({ next, perSecond: 1_000, durationMs: 10 })
    expect(answers).toBe(10)
    expect(latencies.quantilesMs([1])[0]).toBeGreaterThan(9 * 19)
  })

  it('sends no load elsewhere', async () => {
    const opening = OpenLoop.open({ host: '10.0.0.1', port: 80, connections: 1 })
    await expect(opening).rejects.toThrow('load is only ever sent to 127.0.0.1 or ::1')
  })
})
