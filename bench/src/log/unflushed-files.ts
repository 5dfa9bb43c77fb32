import { type Files, nodeFiles } from '@fractal-lba/wal'

/** The real files, but nothing is ever flushed: for the bench, which asks what flushing costs, and to fill logs. */
export const unflushedFiles: Files = {
  ...nodeFiles,
  async open(path, mode) {
    const file = await nodeFiles.open(path, mode)
    return {
      write: (bytes, position) => file.write(bytes, position),
      read: (target, position) => file.read(target, position),
      datasync: async () => undefined,
      truncate: (sizeBytes) => file.truncate(sizeBytes),
      size: () => file.size(),
      close: () => file.close(),
    }
  },
  syncDirectory: async () => undefined,
}
