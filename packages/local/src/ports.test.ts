import { createServer, type Server } from 'node:net'
import { portUses } from '@fractal-lba/runtime'
import { afterEach, describe, expect, it } from 'vitest'
import { freePortBlock, type PortBlock, portProblem, portProblems } from './ports.js'

const open: Server[] = []
const blocks: PortBlock[] = []
afterEach(async () => {
  for (const server of open.splice(0)) await new Promise((resolve) => server.close(resolve))
  for (const block of blocks.splice(0)) await block.release()
})

async function take(port: number, host = '127.0.0.1'): Promise<void> {
  const server = createServer()
  open.push(server)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
}

async function block(): Promise<PortBlock> {
  const made = await freePortBlock()
  blocks.push(made)
  return made
}

describe('portProblems', () => {
  it('names what is taken and who needs it, in rising order', async () => {
    const { base } = await block()
    await take(base + 1003)
    await take(base)
    expect(await portProblems(base, ['127.0.0.1'])).toEqual([
      { port: base, neededBy: 'the gateway (HTTP)', code: 'EADDRINUSE' },
      { port: base + 1003, neededBy: 'verifier (metrics)', code: 'EADDRINUSE' },
    ])
  })

  it('sees one who listens on every address', async () => {
    const { base } = await block()
    await take(base, '0.0.0.0')
    expect(await portProblem(base, '127.0.0.1')).toBe('EADDRINUSE')
  })

  it('leaves nothing bound', async () => {
    const { base } = await block()
    expect(await portProblems(base, ['127.0.0.1', '0.0.0.0'])).toEqual([])
    for (const { port } of portUses(base)) await take(port)
  })
})

describe('freePortBlock', () => {
  it('stays below the ports that the system hands out, and shares no port with another block', async () => {
    const made = await Promise.all(Array.from({ length: 20 }, block))
    const ports = made.flatMap(({ base }) => portUses(base).map(({ port }) => port))
    expect(new Set(ports).size).toBe(ports.length)
    expect(Math.max(...ports)).toBeLessThan(32_768)
    expect(Math.min(...ports)).toBeGreaterThanOrEqual(10_000)
  })

  it('holds its block until it is released', async () => {
    const { base, release } = await freePortBlock()
    expect(await portProblem(base + 9, '127.0.0.1')).toBe('EADDRINUSE')
    await release()
    expect(await portProblem(base + 9, '127.0.0.1')).toBeUndefined()
  })
})
