import { createServer } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { runPcs } from '../testing/run-pcs.js'

// What they do with a service is in test/e2e/wal-tools.e2e.ts, over a real one.
describe.each(['compact', 'replay', 'drain'])('pcs wal %s', (name) => {
  it('says that nobody is there', async () => {
    const { code, out, err } = await runPcs(['wal', name, '--addr', '127.0.0.1:9'])
    expect({ code, out }).toEqual({ code: 3, out: '' })
    expect(err).toBe('pcs: no wal service answers at 127.0.0.1:9: is it running?\n')
  })

  it('says so, too, when what listens there is no wal service', async () => {
    const server = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void server.close())
    const address = server.address()
    const port = typeof address === 'object' && address ? address.port : 0
    const { code, err } = await runPcs(['wal', name], { env: { WAL_ADDR: `127.0.0.1:${port}` } })
    expect(code).toBe(3)
    expect(err).toContain(`127.0.0.1:${port}`)
  })

  it.each([
    { given: ['--addr', 'nowhere'], env: {}, sentence: '--addr must be HOST:PORT' },
    { given: ['--addr', '127.0.0.1:1,'], env: {}, sentence: '--addr must be HOST:PORT' },
    { given: [], env: { WAL_ADDR: 'http://a' }, sentence: 'WAL_ADDR is not host:port' },
    { given: ['--timeout-ms', '0'], env: {}, sentence: '--timeout-ms must be a whole number' },
  ])('refuses $given $env', async ({ given, env, sentence }) => {
    const { code, err } = await runPcs(['wal', name, ...given], { env })
    expect(code).toBe(2)
    expect(err).toContain(sentence)
  })

  it('blames PORT alone when only PORT is wrong', async () => {
    const { code, err } = await runPcs(['wal', name], { env: { PORT: 'abc' } })
    expect({ code, err }).toEqual({
      code: 2,
      err: `pcs: PORT is not a whole number from 1 to 60000\nSee pcs wal ${name} --help\n`,
    })
  })
})

describe('pcs wal replay', () => {
  it.each([
    { given: ['--drive', '0'], sentence: '--drive must be a whole number' },
    { given: ['--drive', '1', '--drive-all'], sentence: 'exclude each other' },
    { given: ['--drive', '1', '--addr', 'a:1,b:1'], sentence: 'say which with --addr' },
  ])('refuses $given', async ({ given, sentence }) => {
    const { code, err } = await runPcs(['wal', 'replay', ...given])
    expect(code).toBe(2)
    expect(err).toContain(sentence)
  })
})
