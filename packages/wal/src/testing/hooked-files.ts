import type { Files, OpenFile } from '../files.js'

/** Called before each call; what it throws is what the call throws. A number from `write` or `read` cuts it short. */
export interface FileHooks {
  open?(path: string): void | Promise<void>
  write?(path: string, position: number, sizeBytes: number): number | undefined | Promise<number | undefined>
  read?(path: string, position: number, sizeBytes: number): number | undefined
  datasync?(path: string): void | Promise<void>
  syncDirectory?(directory: string): void
  rename?(from: string, to: string): void | Promise<void>
  freeBytes?(): number | undefined
}

/** The file system with hooks before its calls, for tests that watch or disturb them. */
export function hookedFiles(files: Files, hooks: FileHooks): Files {
  const opened = new Set<Name>()
  return {
    async open(path, mode) {
      await hooks.open?.(path)
      const name = { path }
      opened.add(name)
      return hookedFile(await files.open(path, mode), name, hooks)
    },
    async rename(from, to) {
      await hooks.rename?.(from, to)
      await files.rename(from, to)
      for (const name of opened) if (name.path === from) name.path = to
    },
    unlink: (path) => files.unlink(path),
    list: (directory) => files.list(directory),
    makeDirectory: (directory) => files.makeDirectory(directory),
    async syncDirectory(directory) {
      hooks.syncDirectory?.(directory)
      await files.syncDirectory(directory)
    },
    async freeBytes(directory) {
      return hooks.freeBytes?.() ?? (await files.freeBytes(directory))
    },
    lock: (directory) => files.lock(directory),
  }
}

/** What an open file is called now. */
interface Name {
  path: string
}

function hookedFile(file: OpenFile, name: Name, hooks: FileHooks): OpenFile {
  return {
    async write(bytes, position) {
      const sizeBytes = await hooks.write?.(name.path, position, bytes.length)
      return file.write(bytes.subarray(0, sizeBytes ?? bytes.length), position)
    },
    async read(target, position) {
      return file.read(
        target.subarray(0, hooks.read?.(name.path, position, target.length) ?? target.length),
        position,
      )
    },
    async datasync() {
      await hooks.datasync?.(name.path)
      await file.datasync()
    },
    truncate: (sizeBytes) => file.truncate(sizeBytes),
    size: () => file.size(),
    close: () => file.close(),
  }
}
