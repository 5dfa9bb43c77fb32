import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { freePortBlock, type PortBlock } from './ports.js'
import { preflight } from './preflight.js'

const main = fileURLToPath(import.meta.url)
let directory: string
let block: PortBlock
const servers: Server[] = []
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'fractal-lba-preflight-'))
  block = await freePortBlock()
})
afterEach(async () => {
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve))
  await block.release()
  rmSync(directory, { recursive: true, force: true })
})

function look(changes: Partial<Parameters<typeof preflight>[0]> = {}): Promise<readonly string[]> {
  const programs = [{ name: 'wal', main }] as const
  return preflight({
    port: block.base,
    host: '127.0.0.1',
    dataDir: join(directory, 'data'),
    programs,
    ...changes,
  })
}

async function take(port: number): Promise<void> {
  const server = createServer()
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
}

describe('preflight', () => {
  it('finds nothing where all is well, and leaves nothing behind', async () => {
    expect(await look()).toEqual([])
    expect(readdirSync(join(directory, 'data'))).toEqual([])
  })

  it('names a taken port, who needs it, and a PORT that works', async () => {
    await take(block.base + 4)
    const [sentence, ...others] = await look()
    expect(others).toEqual([])
    expect(sentence).toContain(`Port ${block.base + 4} is taken, and dedup (gRPC) needs it`)
    const other = Number(/PORT=(\d+) npm start/.exec(sentence ?? '')?.[1])
    expect(await look({ port: other })).toEqual([])
  })

  it('names all that are taken in the one sentence', async () => {
    await take(block.base)
    await take(block.base + 2)
    const [sentence, ...others] = await look()
    expect(others).toEqual([])
    expect(sentence).toContain(
      `the gateway (HTTP) needs it (${block.base + 2} cannot be used either): choose`,
    )
  })

  it('says what to do where the directory cannot be written', async () => {
    writeFileSync(join(directory, 'file'), '')
    const dataDir = join(directory, 'file', 'data')
    const [sentence, ...others] = await look({ dataDir })
    expect(others).toEqual([])
    expect(sentence).toMatch(/cannot be written \(ENOTDIR.*DATA_DIR=/)
    expect(sentence).toContain(dataDir)
  })

  it('names a program that was not built', async () => {
    const programs = [{ name: 'gateway', main: join(directory, 'main.js') }] as const
    expect(await look({ programs })).toEqual([
      `${join(directory, 'main.js')} (gateway) is not there: build it with npm run build`,
    ])
  })

  it('tells all of it at once', async () => {
    await take(block.base)
    writeFileSync(join(directory, 'data'), '')
    expect(await look()).toHaveLength(2)
  })
})
