import { join } from 'node:path'
import { jsonObject } from '@fractal-lba/runtime/text'
import type { Files } from '@fractal-lba/wal'
import { openExisting, writeAll } from './files.js'

const CHUNK_BYTES = 64 * 1024
const LINE_FEED = 0x0a

/** One line of a report: a record that a person should look at. */
export interface ReportLine {
  readonly seq: number
  readonly atMs: number
  readonly pcsId: string
  readonly status: number
  /** The problem document as it came. */
  readonly problem: Buffer
  /** The record as it was sent. */
  readonly record: Buffer
}

/**
 * A file of JSON lines for people and their tools. It follows the log and proves nothing: what it lacks is added
 * when the outbox is opened, and if it cannot be written the outbox goes on.
 */
export class ReportFile {
  readonly #files: Files
  readonly #directory: string
  readonly #name: string
  readonly #onTrouble: (error: Error) => void
  #usable = true
  #tail: Promise<void> = Promise.resolve()

  private constructor(files: Files, directory: string, name: string, onTrouble: (error: Error) => void) {
    this.#files = files
    this.#directory = directory
    this.#name = name
    this.#onTrouble = onTrouble
  }

  /**
   * Reads which lines are there, for `holds`; a last line that a crash left unfinished is cut off.
   * @param onTrouble called once, when the file cannot be used
   */
  static async open(
    files: Files,
    directory: string,
    name: string,
    onTrouble: (error: Error) => void,
  ): Promise<{ report: ReportFile; holds: (seq: number, atMs: number) => boolean }> {
    const report = new ReportFile(files, directory, name, onTrouble)
    const lines = new Lines()
    await report.#trying(() => report.#recover(lines))
    return { report, holds: (seq, atMs) => lines.known.has(key(seq, atMs)) }
  }

  /** Adds a line; resolves when it is durable, or when `onTrouble` has been called. */
  add(line: ReportLine): Promise<void> {
    this.#tail = this.#tail.then(() => this.#trying(() => this.#append(line)))
    return this.#tail
  }

  get #path(): string {
    return join(this.#directory, this.#name)
  }

  async #recover(lines: Lines): Promise<void> {
    const file = await openExisting(this.#files, this.#path, 'write')
    if (file === undefined) return
    try {
      const size = await file.size()
      for (let position = 0; position < size; ) {
        const chunk = Buffer.alloc(Math.min(CHUNK_BYTES, size - position))
        const read = await file.read(chunk, position)
        if (read === 0) break
        position += read
        lines.take(chunk.subarray(0, read))
      }
      if (lines.sizeBytes < size) {
        await file.truncate(lines.sizeBytes)
        await file.datasync()
      }
    } finally {
      await file.close()
    }
  }

  async #append(line: ReportLine): Promise<void> {
    const text = Buffer.from(`${lineText(line)}\n`)
    const file = await this.#opened()
    try {
      // its size anew each time: whoever watches the file may have moved it away
      await writeAll(file, text, await file.size())
      await file.datasync()
    } finally {
      await file.close()
    }
  }

  async #opened(): Promise<Awaited<ReturnType<Files['open']>>> {
    const file = await openExisting(this.#files, this.#path, 'write')
    if (file) return file
    const created = await this.#files.open(this.#path, 'create')
    await this.#files.syncDirectory(this.#directory)
    return created
  }

  /** After the first trouble nothing more is written: what the file holds then is not known before it is read anew. */
  async #trying(work: () => Promise<void>): Promise<void> {
    if (!this.#usable) return
    try {
      await work()
    } catch (error) {
      this.#usable = false
      this.#onTrouble(error instanceof Error ? error : new Error(String(error)))
    }
  }
}

/** The whole lines of a file that comes in chunks. */
class Lines {
  readonly known = new Set<string>()
  /** Up to the end of the last whole line. */
  sizeBytes = 0
  #begun: Buffer[] = []

  take(chunk: Buffer): void {
    let start = 0
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, start)) {
      const line = Buffer.concat([...this.#begun, chunk.subarray(start, end)])
      this.#begun = []
      start = end + 1
      this.sizeBytes += line.length + 1
      const { outbox_seq, at } = jsonObject(line.toString('utf8')) ?? {}
      if (typeof outbox_seq === 'number' && typeof at === 'string') {
        this.known.add(key(outbox_seq, Date.parse(at)))
      }
    }
    this.#begun.push(chunk.subarray(start))
  }
}

function lineText({ seq, atMs, pcsId, status, problem, record }: ReportLine): string {
  const text = problem.toString('utf8')
  return JSON.stringify({
    outbox_seq: seq,
    at: new Date(atMs).toISOString(),
    pcs_id: pcsId,
    status,
    problem: jsonObject(text) ?? text,
    // as text: written anew as JSON it would not be the bytes that were signed and sent
    record: record.toString('utf8'),
  })
}

function key(seq: number, atMs: number): string {
  return `${seq}@${atMs}`
}
