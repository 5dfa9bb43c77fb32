import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { WalEvent } from '../events.js'
import { openLog } from '../log.js'
import type { LogOptions } from '../options.js'
import type { LogRecord, NewRecord } from '../record.js'
import type { CompactableLog } from '../record-log.js'

/** A directory for one test; `remove` is to be called at its end. */
export interface TemporaryDirectory {
  readonly path: string
  file(name: string): string
  list(): Promise<string[]>
  read(name: string): Promise<Buffer>
  write(name: string, content: Buffer): Promise<void>
  remove(): Promise<void>
}

export async function temporaryDirectory(): Promise<TemporaryDirectory> {
  const path = await mkdtemp(join(tmpdir(), 'wal-test-'))
  return {
    path,
    file: (name) => join(path, name),
    list: async () => (await readdir(path)).sort(),
    read: (name) => readFile(join(path, name)),
    write: (name, content) => writeFile(join(path, name), content),
    remove: () => rm(path, { recursive: true, force: true }),
  }
}

/** A log with the events that it reported. */
export interface TestLog {
  readonly log: CompactableLog
  readonly events: WalEvent[]
  readonly fatal: Error[]
  /** bodies as text, as `visit` saw them */
  readonly visited: string[]
}

/** Opens a log of small segments that keeps what it tells. */
export async function openTestLog(directory: string, options: Partial<LogOptions> = {}): Promise<TestLog> {
  const events: WalEvent[] = []
  const fatal: Error[] = []
  const visited: string[] = []
  const log = await openLog(directory, {
    segmentBytes: 64 * 1024,
    onFatal: (error) => fatal.push(error),
    onEvent: (event) => {
      if (event.type !== 'flushed') events.push(event)
    },
    visit: (record) => visited.push(textOf(record)),
    ...options,
  })
  return { log, events, fatal, visited }
}

export function textRecord(text: string): NewRecord {
  return { type: 1, encoding: 0, body: Buffer.from(text) }
}

export function textOf(record: LogRecord): string {
  return record.body?.toString('latin1') ?? '(dropped)'
}

/** Everything that can be read, as text. */
export async function readTexts(log: CompactableLog, from = 1): Promise<string[]> {
  const texts: string[] = []
  for await (const batch of log.read(from)) texts.push(...batch.map(textOf))
  return texts
}

/** Appends each text in a flush group of its own. */
export async function appendEach(log: CompactableLog, texts: readonly string[]): Promise<void> {
  for (const text of texts) await log.append([textRecord(text)])
}
