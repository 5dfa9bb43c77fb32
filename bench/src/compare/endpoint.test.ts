import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LoadClient } from '@fractal-lba/load'
import { describe, expect, it, onTestFinished } from 'vitest'
import { BenchFailure } from '../round.js'
import { readEndpoint, startEndpoint } from './endpoint.js'

/** Takes what is signed with the key that it was given, and nothing else. */
const SERVER = `
const { createServer } = require('node:http')
createServer((request, response) => {
  let body = ''
  request.on('data', (part) => { body += part }).on('end', () => {
    const good = request.url === '/up' || (request.url === '/in' && body.endsWith(process.env.KEY))
    const text = good ? 'taken' : 'refused'
    response.writeHead(good ? 200 : 400, { 'Content-Length': text.length }).end(text)
  })
}).listen(Number(process.argv[2]), '127.0.0.1')
`

async function site(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'fractal-lba-endpoint-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  return directory
}

async function written(directory: string, endpoint: unknown): Promise<string> {
  const file = join(directory, 'endpoint.json')
  await writeFile(file, JSON.stringify(endpoint))
  return file
}

describe('an ingest endpoint of somebody else', () => {
  it('is started with what its file says, and loaded with the bodies that its module makes', async () => {
    const directory = await site()
    await writeFile(join(directory, 'server.cjs'), SERVER)
    await writeFile(
      join(directory, 'body.mjs'),
      "export default ({ pcs_id }, secret) => pcs_id + ' signed with ' + secret",
    )
    const file = await written(directory, {
      ...{ name: 'older', command: [process.execPath, 'server.cjs', '{port}'], env: { KEY: '{key}' } },
      ...{ path: '/in', ready: '/up', body: './body.mjs' },
    })
    const signal = new AbortController().signal
    const place = { dataDir: directory, seed: 1, connections: 1, signal }
    const running = await startEndpoint(await readEndpoint(file), place)
    try {
      running.stock(5)
      const client = await LoadClient.open(running.target)
      const result = await client.run({ next: running.next, durationMs: 5_000 })
      client.close()
      expect([...result.answersByStatus]).toEqual([[200, 5]])
    } finally {
      await running.stop()
    }
    await expect(fetch(`http://127.0.0.1:${running.target.port}/up`)).rejects.toThrow()
  })

  it('says what it wrote when it does not start', async () => {
    const directory = await site()
    const file = await written(directory, { command: [process.execPath, '-e', 'throw Error("no room")'] })
    const place = { dataDir: directory, seed: 1, connections: 1, signal: new AbortController().signal }
    await expect(startEndpoint(await readEndpoint(file), place)).rejects.toThrow(/no room/)
  })

  it.each([[{}], [{ command: [] }], [{ command: ['a'], env: { A: 1 } }], [{ command: ['a'], path: 7 }]])(
    'is refused as %j',
    async (endpoint) => {
      await expect(readEndpoint(await written(await site(), endpoint))).rejects.toThrow(BenchFailure)
    },
  )
})
