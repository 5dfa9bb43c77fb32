import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { Authority } from '@fractal-lba/credentials/development'
import { afterEach, describe, expect, it } from 'vitest'
import { LoadClient } from './http-client.js'
import { submitRequest } from './records.js'

let server: Server | undefined
let client: LoadClient | undefined
let port = 0

afterEach(async () => {
  client?.close()
  await new Promise((resolve) => server?.close(resolve) ?? resolve(undefined))
  client = undefined
  server = undefined
})

async function clientOf(
  respond: (body: string, response: ServerResponse, request: IncomingMessage) => void,
  connections: number,
): Promise<LoadClient> {
  const listening = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => respond(Buffer.concat(parts).toString(), response, request))
  })
  await new Promise<void>((resolve) => {
    listening.listen(0, '127.0.0.1', resolve)
  })
  server = listening
  port = (listening.address() as AddressInfo).port
  client = await LoadClient.open({ host: '127.0.0.1', port, connections })
  return client
}

function requests(count: number): () => Buffer | undefined {
  let sent = 0
  return () => (sent < count ? submitRequest(`body ${sent++}`) : undefined)
}

function reply(response: ServerResponse, status: number): void {
  response.writeHead(status, { 'Content-Length': 2 }).end('{}')
}

describe('LoadClient', () => {
  it('speaks TLS to who is signed by the authority that it is told', async () => {
    const time = { notBefore: new Date(Date.now() - 60_000), notAfter: new Date(Date.now() + 60_000) }
    const authority = await Authority.create({ name: 'load', ...time })
    const pair = await authority.issue({ name: 'gateway', dns: [], ips: ['127.0.0.1'], ...time })
    const secure = createSecureServer(pair, (request, response) => {
      request.resume().on('end', () => reply(response, 200))
    })
    await new Promise<void>((resolve) => {
      secure.listen(0, '127.0.0.1', resolve)
    })
    server = secure
    const target = { host: '127.0.0.1', port: (secure.address() as AddressInfo).port, connections: 2 }
    client = await LoadClient.open({ ...target, ca: authority.cert })
    const { answersByStatus } = await client.run({ next: requests(10), durationMs: 5_000 })
    expect([...answersByStatus]).toEqual([[200, 10]])
    const stranger = await Authority.create({ name: 'stranger', ...time })
    await expect(LoadClient.open({ ...target, ca: stranger.cert })).rejects.toThrow('certificate')
  })

  it('sends every request once, as it is, and counts the answers by status', async () => {
    const bodies: string[] = []
    const load = await clientOf((body, response, request) => {
      bodies.push(`${request.method} ${request.url} ${request.headers['content-type']} ${body}`)
      reply(response, bodies.length % 4 === 0 ? 409 : 200)
    }, 8)
    const result = await load.run({ next: requests(200), durationMs: 20_000 })
    const expected = Array.from({ length: 200 }, (_, n) => `POST /v1/pcs/submit application/json body ${n}`)
    expect(bodies.sort()).toEqual(expected.sort())
    expect(Object.fromEntries(result.answersByStatus)).toEqual({ 200: 150, 409: 50 })
    expect(result.answers).toBe(200)
    expect(result.latencies.count).toBe(200)
    expect(result.failures.size).toBe(0)
  })

  it('has one request under way on each connection, never more', async () => {
    const waiting: (() => void)[] = []
    let underWay = 0
    let mostUnderWay = 0
    const load = await clientOf((_, response) => {
      underWay += 1
      mostUnderWay = Math.max(mostUnderWay, underWay)
      waiting.push(() => {
        underWay -= 1
        reply(response, 200)
      })
      if (underWay === 5) for (const answer of waiting.splice(0)) answer()
    }, 5)
    const result = await load.run({ next: requests(100), durationMs: 20_000 })
    expect(mostUnderWay).toBe(5)
    expect(result.answers).toBe(100)
  })

  it('ends when its time is over, however much there is to send, and waits for what is under way', async () => {
    const load = await clientOf((_, response) => setTimeout(() => reply(response, 200), 20), 4)
    let sent = 0
    const next = (): Buffer => submitRequest(`body ${sent++}`)
    const result = await load.run({ next, durationMs: 100 })
    expect(result.answers).toBe(sent)
    expect(sent).toBeGreaterThanOrEqual(4)
  })

  it('keeps what the first refusal of each status said', async () => {
    let seen = 0
    const load = await clientOf((_, response) => {
      seen += 1
      response.statusCode = seen < 3 ? 200 : 503
      response.end(`{"detail":"${seen}: ${'é'.repeat(600)}"}`)
    }, 1)
    const result = await load.run({ next: requests(5), durationMs: 20_000 })
    expect([...result.refusals.keys()]).toEqual([503])
    expect(result.refusals.get(503)).toMatch(/^\{"detail":"3: é+/)
    expect(result.refusals.get(503)?.length).toBeLessThan(500)
  })

  it('can run again on the same connections', async () => {
    const load = await clientOf((_, response) => reply(response, 200), 3)
    await load.run({ next: requests(10), durationMs: 20_000 })
    const second = await load.run({ next: requests(7), durationMs: 20_000 })
    expect(second.answers).toBe(7)
  })

  it('counts a request whose connection was cut, opens another one and goes on', async () => {
    let seen = 0
    const load = await clientOf((_, response) => {
      seen += 1
      if (seen % 10 === 0) response.destroy()
      else reply(response, 200)
    }, 2)
    const result = await load.run({ next: requests(50), durationMs: 20_000 })
    expect(result.answers).toBe(45)
    expect([...result.failures.values()].reduce((sum, count) => sum + count, 0)).toBe(5)
  })

  it('opens another connection after an answer that ends one', async () => {
    const load = await clientOf((_, response) => {
      response.writeHead(200, { 'Content-Length': 2, Connection: 'close' }).end('{}')
    }, 2)
    const result = await load.run({ next: requests(6), durationMs: 20_000 })
    expect(result.answers).toBe(6)
    expect(result.failures.size).toBe(0)
  })

  it('counts what it cannot read as a failure', async () => {
    const load = await clientOf((_, response) => {
      response.socket?.write('HTTP/1.1 200 OK\r\nX: no length\r\n\r\n')
    }, 1)
    const result = await load.run({ next: requests(2), durationMs: 20_000 })
    expect(Object.fromEntries(result.failures)).toEqual({ 'an answer without a length': 2 })
  })

  it('ends when the server has gone', async () => {
    const load = await clientOf((_, response) => {
      response.destroy()
      server?.close()
    }, 2)
    const result = await load.run({ next: requests(1_000), durationMs: 3_000 })
    expect(result.answers).toBe(0)
    expect(result.failures.get('ECONNREFUSED')).toBeGreaterThan(0)
  })

  it.each(['example.org', 'localhost', '0.0.0.0', '10.0.0.1', '127.0.0.1.example.org', ''])(
    'sends no load to "%s"',
    async (host) => {
      const opening = LoadClient.open({ host, port: 8080, connections: 1 })
      await expect(opening).rejects.toThrow('load is only ever sent to 127.0.0.1 or ::1')
    },
  )

  it('says when nobody listens', async () => {
    const load = await clientOf((_, response) => reply(response, 200), 1)
    load.close()
    await new Promise((resolve) => server?.close(resolve))
    const opening = LoadClient.open({ host: '127.0.0.1', port, connections: 2 })
    await expect(opening).rejects.toThrow('ECONNREFUSED')
  })
})
