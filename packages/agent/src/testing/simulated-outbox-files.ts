import { join } from 'node:path'
import type { SimulatedFiles } from '@fractal-lba/wal/testing'
import type { OutboxFiles } from '../outbox/index.js'

/** Test support: a simulated disk as an outbox asks for it. */
export function simulatedOutboxFiles(files: SimulatedFiles): OutboxFiles {
  return {
    open: (path, mode) => files.open(path, mode),
    rename: (from, to) => files.rename(from, to),
    unlink: (path) => files.unlink(path),
    list: (directory) => files.list(directory),
    makeDirectory: () => files.makeDirectory(),
    syncDirectory: (directory) => files.syncDirectory(directory),
    freeBytes: () => files.freeBytes(),
    // the simulated lock knows one directory, and here an outbox and its log are locked
    lock: async () => ({ holds: async () => true, release: async () => undefined }),
    async removeDirectory(directory) {
      for (const name of await files.list(directory)) await files.unlink(join(directory, name))
    },
  }
}
