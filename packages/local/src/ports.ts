import { createServer, Server } from 'node:net'
import { type PortUse, portUses } from '@fractal-lba/runtime'

/** Why a TCP port of this address cannot be bound now: `EADDRINUSE`, `EACCES`; undefined when it can. */
export async function portProblem(port: number, host: string): Promise<string | undefined> {
  const bound = await bind(port, host)
  if (!(bound instanceof Server)) return bound
  await close(bound)
  return undefined
}

/** A base port whose whole constellation of ports is free, and stays ours until it is released. */
export interface PortBlock {
  readonly base: number
  release(): Promise<void>
}

// Below the ports that Linux hands out by itself (32768 and up), and below 26,000, where those of the stores begin
// that tests start (packages/test-servers). A block is ten ports wide. Blocks begin only in the lower half of each
// 2,000, so that the metrics ports of one (1,000 above) are never the base of another.
const LOWEST_BASE = 10_000
const CYCLE = 2_000
const CYCLES = 8
const BLOCK_WIDTH = 10
const BLOCKS_PER_CYCLE = 1_000 / BLOCK_WIDTH
/** Nothing of the product listens here; whoever holds it has the block. */
const GUARD_OFFSET = 9
const ATTEMPTS_MAX = 200

/**
 * Finds a block at random and locks it by binding its guard port, so that two test runs side by side never
 * share one, not even while a process of one of them is being started again.
 */
export async function freePortBlock(): Promise<PortBlock> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    const block = Math.floor(Math.random() * CYCLES * BLOCKS_PER_CYCLE)
    const cycle = Math.floor(block / BLOCKS_PER_CYCLE)
    const base = LOWEST_BASE + cycle * CYCLE + (block % BLOCKS_PER_CYCLE) * BLOCK_WIDTH
    const guard = await bind(base + GUARD_OFFSET, '127.0.0.1')
    if (!(guard instanceof Server)) continue
    if ((await portProblems(base, ['127.0.0.1'])).length === 0) {
      guard.unref()
      return { base, release: () => close(guard) }
    }
    await close(guard)
  }
  throw new Error(`no free block of ports was found in ${ATTEMPTS_MAX} tries`)
}

/** A port that cannot be had. */
export interface PortProblem extends PortUse {
  readonly code: string
}

/** The ports of a constellation at `base` that cannot be bound on one of these addresses, in rising order. */
export async function portProblems(base: number, hosts: readonly string[]): Promise<readonly PortProblem[]> {
  const problems: PortProblem[] = []
  for (const use of portUses(base)) {
    for (const host of hosts) {
      const code = await portProblem(use.port, host)
      if (code === undefined) continue
      problems.push({ ...use, code })
      break
    }
  }
  return problems.sort((a, b) => a.port - b.port)
}

/** @returns the listening server, or the code of the error. */
function bind(port: number, host: string): Promise<Server | string> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    server.listen({ port, host, exclusive: true }, () => resolve(server))
  })
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
  })
}
