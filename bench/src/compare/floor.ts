import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { Latencies, LoadClient } from '@fractal-lba/load'
import { startEmptyProcess } from './empty-process.js'

/** The least that a lone request can take: HTTP by itself, and a flush by itself. */
export interface Floor {
  /** p50 of an empty request to a node:http server in a process of its own. */
  emptyRequestMs(durationMs: number): Promise<number>
  /** p50 of a write of 1 KB and its fdatasync, at the end of a file. */
  flushMs(durationMs: number): Promise<number>
  close(): Promise<void>
}

const EMPTY_REQUEST = Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
const FLUSHED = Buffer.alloc(1_024, 'x')

/** @param directory on the disk of the logs; its owner removes it. */
export async function openFloor(directory: string): Promise<Floor> {
  const server = await startEmptyProcess()
  try {
    const target = { host: '127.0.0.1', port: server.port, connections: 1 }
    const file = await open(join(directory, 'flushes'), 'a')
    return {
      async emptyRequestMs(durationMs) {
        const client = await LoadClient.open(target)
        try {
          return medianOf((await client.run({ next: () => EMPTY_REQUEST, durationMs })).latencies)
        } finally {
          client.close()
        }
      },
      async flushMs(durationMs) {
        const latencies = new Latencies()
        const endMs = performance.now() + durationMs
        for (let nowMs = performance.now(); nowMs < endMs; ) {
          await file.write(FLUSHED)
          await file.datasync()
          const doneMs = performance.now()
          latencies.add(doneMs - nowMs)
          nowMs = doneMs
        }
        return medianOf(latencies)
      },
      async close() {
        server.stop()
        await file.close()
      },
    }
  } catch (error) {
    server.stop()
    throw error
  }
}

function medianOf(latencies: Latencies): number {
  const [p50Ms = Number.NaN] = latencies.quantilesMs([0.5])
  return p50Ms
}
