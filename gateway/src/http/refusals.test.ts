import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { BodyReader } from './body.js'
import { ask, Connection, requestText, submission } from './testing/connection.js'
import { type HttpUnderTest, startHttp } from './testing/start-http.js'

let http: HttpUnderTest
afterEach(() => http.close())

const CHUNKED = { 'Content-Type': 'application/json', 'Transfer-Encoding': 'chunked' }
const chunkedHead = requestText('POST', '/v1/pcs/submit', CHUNKED)

describe('a client that is refused all the time', () => {
  it.each([
    ['a request that is no HTTP', 'nonsense\r\n\r\n', 400],
    ['a path that is none', requestText('GET', '/none', {}), 404],
    ['a body that is too large', submission('x'.repeat(200_000)), 413],
    ['chunks of one byte', `${chunkedHead}${'1\r\nx\r\n'.repeat(10_000)}`, 413],
  ])('hears of %s a second late, and its connection ends', async (_, text, status) => {
    http = await startHttp({ refusalsPerSecond: 1 })
    const { port } = http
    expect((await ask(port, requestText('GET', '/none', {}))).status).toBe(404)
    const begunMs = performance.now()
    const connection = await Connection.open(port)
    expect((await connection.send(text).response()).status).toBe(status)
    expect(performance.now() - begunMs).toBeGreaterThan(950)
    connection.destroy()
    // What it may do is done at once all the same.
    expect((await ask(port, submission('{}'))).status).toBe(200)
  })
})

describe('a refused body', () => {
  it('in chunks of one byte is not parsed to its end', async () => {
    http = await startHttp()
    const take = vi.spyOn(BodyReader.prototype, 'take')
    onTestFinished(() => take.mockRestore())
    const connection = await Connection.open(http.port)
    const response = await connection.send(`${chunkedHead}${'1\r\nx\r\n'.repeat(10_000)}`).response()
    expect(response.status).toBe(413)
    await connection.end
    connection.destroy()
    expect(take.mock.calls.length).toBeLessThan(1_000)
  })
})
