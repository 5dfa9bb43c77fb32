import { describe, expect, it } from 'vitest'
import { ask, Connection, requestText, submission } from './testing/connection.js'
import { ACCEPTED } from './testing/fake-ingest.js'
import { startHttp } from './testing/start-http.js'

describe('close', () => {
  it('finishes what is in, takes nothing new, and tells each client that its connection ends', async () => {
    const { port, ingest, close } = await startHttp()
    let finish = (): void => undefined
    const idle = await Connection.open(port)
    expect((await idle.send(requestText('GET', '/health')).response()).headers.get('connection')).toBe(
      'keep-alive',
    )
    ingest.answer = () => new Promise((resolve) => (finish = () => resolve(ACCEPTED)))
    const busy = await Connection.open(port)
    busy.send(submission('{}'))
    const half = await Connection.open(port)
    half.send(submission('{"a":1}').slice(0, -1))
    await ask(port, requestText('GET', '/health'))

    const closed = close()
    await idle.end
    await expect(Connection.open(port)).rejects.toThrow('ECONNREFUSED')
    finish()
    const response = await busy.response()
    expect([response.status, response.headers.get('connection')]).toEqual([200, 'close'])
    await busy.end
    ingest.answer = async () => ACCEPTED
    const late = await half.send('}').response()
    expect([late.status, late.headers.get('connection')]).toEqual([200, 'close'])
    await closed
    for (const connection of [idle, busy, half]) connection.destroy()
  })

  it('cuts what does not end in time', async () => {
    const { port, ingest, close } = await startHttp({ limits: { closeTimeoutMs: 100 } })
    ingest.answer = () => new Promise(() => undefined)
    const stuck = await Connection.open(port)
    stuck.send(submission('{}'))
    const silent = await Connection.open(port)
    silent.send('GET / HTTP/1.1\r\n')
    await ask(port, requestText('GET', '/health'))
    await close()
    await Promise.all([stuck.end, silent.end])
    expect(stuck.rest).toBe('')
    for (const connection of [stuck, silent]) connection.destroy()
  })

  it('one connection more than may be is dropped and counted', async () => {
    const { port, registry, close } = await startHttp({ limits: { connectionsMax: 1 } })
    const first = await Connection.open(port)
    await first.send(requestText('GET', '/health')).response()
    const second = await Connection.open(port)
    await second.end
    expect((await first.send(requestText('GET', '/health')).response()).status).toBe(200)
    expect(await registry.metrics()).toMatch(/^http_connections_dropped_total 1$/m)
    for (const connection of [first, second]) connection.destroy()
    await close()
  })
})
