/**
 * A snapshot of the memory store: what a start reads so that it need not read the whole log. It is never more than
 * a shortcut: whatever is wrong with it, the log has everything.
 *
 * A file of frames, each of them: u32 kind, u32 length, u32 CRC-32 of those eight bytes and the payload, payload.
 * Numbers are little-endian. First the header (JSON), then pages as they lie in memory (record-pages.ts), last the
 * trailer (JSON), without which it is not whole. It replaces the one before it in one step.
 */
import { constants } from 'node:fs'
import { type FileHandle, open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { crc32 } from 'node:zlib'
import { logSetFrom, logSetText } from '../index/log-set.js'
import type { MemoryStore } from './memory-store.js'

const FORMAT = 1
const KIND = { header: 0x31_4c_44_46, page: 2, trailer: 3 } as const
const HEAD_BYTES = 12
/** Far above any page, and above shared parts by the ten thousand. */
const PAYLOAD_BYTES_MAX = 64 * 2 ** 20
/** Written through in portions, so that a flush of the log never waits behind a whole snapshot. */
const FLUSH_EVERY_BYTES = 4 * 2 ** 20

interface Header {
  readonly format: number
  readonly ttlMs: number
  /** For each log, by log_id, the position below which all marks are in. */
  readonly positions: Readonly<Record<string, number>>
  /** The logs that this is the index of (logSetText). */
  readonly logSet: string
}

interface Trailer {
  readonly pages: number
  readonly shared: readonly string[]
}

/** why: a sentence, or "missing" where there is no snapshot. */
export type Restored = { readonly restored: true } | { readonly restored: false; readonly why: string }

/** Writes what the store holds while it goes on working; after a crash at any point the old or the new one is there. */
export async function writeSnapshot(path: string, store: MemoryStore, ttlMs: number): Promise<void> {
  const temporary = `${path}.tmp`
  const file = await open(temporary, 'w', 0o600)
  try {
    // The positions first: what is marked while pages are written is read again from the log.
    const positions = Object.fromEntries(await store.positions())
    const logSet = logSetText(await store.logSet())
    const frames = new FrameWriter(file)
    await frames.write(KIND.header, json({ format: FORMAT, ttlMs, positions, logSet } satisfies Header))
    let pages = 0
    for (const image of store.images()) {
      await frames.write(KIND.page, image)
      pages += 1
    }
    await frames.write(KIND.trailer, json({ pages, shared: store.sharedParts() } satisfies Trailer))
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(temporary, path)
  await flushDirectory(dirname(path))
}

/**
 * Fills an empty store from a snapshot, positions included, or leaves it empty and says why.
 *
 * @param ttlMs the TTL of now: an entry's time is counted by it. If it was shorter when the snapshot was written,
 * the log has entries that the snapshot has let go, and only the log will do.
 */
export async function readSnapshot(path: string, store: MemoryStore, ttlMs: number): Promise<Restored> {
  try {
    const file = await open(path, 'r')
    try {
      return await restore(new FrameReader(file), store, ttlMs)
    } finally {
      await file.close()
    }
  } catch (error) {
    store.clear()
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    return { restored: false, why: missing ? 'missing' : String(error) }
  }
}

async function restore(frames: FrameReader, store: MemoryStore, ttlMs: number): Promise<Restored> {
  const header = headerOf(await frames.read())
  if (ttlMs > header.ttlMs) return { restored: false, why: 'DEDUP_TTL has been raised since it was written' }
  for (let pages = 0; ; pages += 1) {
    const frame = await frames.read()
    if (frame.kind === KIND.page) {
      store.restoreImage(frame.payload, ttlMs - header.ttlMs)
      continue
    }
    const trailer = trailerOf(frame)
    if (trailer.pages !== pages || !(await frames.atEnd())) throw new RangeError('the snapshot is not whole')
    store.restoreSharedParts(trailer.shared)
    store.restoreLogSet(logSetFrom(header.logSet))
    for (const [logId, position] of Object.entries(header.positions)) await store.setPosition(logId, position)
    return { restored: true }
  }
}

interface Frame {
  readonly kind: number
  readonly payload: Buffer
}

class FrameWriter {
  readonly #file: FileHandle
  #unflushedBytes = 0

  constructor(file: FileHandle) {
    this.#file = file
  }

  /** @param payload is copied before the first wait. */
  async write(kind: number, payload: Buffer): Promise<void> {
    const frame = Buffer.allocUnsafe(HEAD_BYTES + payload.length)
    frame.writeUInt32LE(kind, 0)
    frame.writeUInt32LE(payload.length, 4)
    payload.copy(frame, HEAD_BYTES)
    frame.writeUInt32LE(checksum(frame.subarray(0, 8), frame.subarray(HEAD_BYTES)), 8)
    // writeFile goes on after a short write, from where the handle is.
    await this.#file.writeFile(frame)
    this.#unflushedBytes += frame.length
    if (this.#unflushedBytes < FLUSH_EVERY_BYTES) return
    this.#unflushedBytes = 0
    await this.#file.datasync()
  }
}

class FrameReader {
  readonly #file: FileHandle

  constructor(file: FileHandle) {
    this.#file = file
  }

  /** @throws RangeError if the file ends before, or the bytes are not those that were written. */
  async read(): Promise<Frame> {
    const head = await this.#bytes(HEAD_BYTES)
    const lengthBytes = head.readUInt32LE(4)
    if (lengthBytes > PAYLOAD_BYTES_MAX) throw new RangeError('the snapshot is damaged')
    const payload = await this.#bytes(lengthBytes)
    if (checksum(head.subarray(0, 8), payload) !== head.readUInt32LE(8)) {
      throw new RangeError('the snapshot is damaged')
    }
    return { kind: head.readUInt32LE(0), payload }
  }

  async atEnd(): Promise<boolean> {
    const { bytesRead } = await this.#file.read(Buffer.alloc(1))
    return bytesRead === 0
  }

  async #bytes(count: number): Promise<Buffer> {
    const bytes = Buffer.alloc(count)
    for (let filled = 0; filled < count; ) {
      const { bytesRead } = await this.#file.read(bytes, filled, count - filled)
      if (bytesRead === 0) throw new RangeError('the snapshot ends too early')
      filled += bytesRead
    }
    return bytes
  }
}

function checksum(head: Buffer, payload: Buffer): number {
  return crc32(payload, crc32(head))
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value))
}

function headerOf({ kind, payload }: Frame): Header {
  if (kind !== KIND.header) throw new RangeError('this is not a snapshot')
  const { format, ttlMs, positions, logSet } = record(JSON.parse(payload.toString()))
  if (format !== FORMAT || typeof ttlMs !== 'number')
    throw new RangeError(`the snapshot has format ${format}`)
  return { format, ttlMs, positions: numbers(record(positions)), logSet: String(logSet ?? '') }
}

function trailerOf({ kind, payload }: Frame): Trailer {
  const { pages, shared } = kind === KIND.trailer ? record(JSON.parse(payload.toString())) : {}
  if (typeof pages !== 'number' || !Array.isArray(shared)) throw new RangeError('the snapshot is damaged')
  return { pages, shared: shared.map(String) }
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {}
}

function numbers(values: Readonly<Record<string, unknown>>): Record<string, number> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, Number(value)]))
}

/** A new name is durable only when its directory is. */
async function flushDirectory(path: string): Promise<void> {
  const directory = await open(path, constants.O_RDONLY)
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}
