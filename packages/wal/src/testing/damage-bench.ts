// Test support: a log on a disk in memory that can be damaged byte by byte.

import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { expect } from 'vitest'
import { crc32c } from '../crc32c.js'
import type { WalEvent } from '../events.js'
import { FRAME, segmentName } from '../format.js'
import type { LogOptions } from '../options.js'
import type { RecordLocation } from '../record.js'
import type { CompactableLog } from '../record-log.js'
import { Chance } from './chance.js'
import { type FileHooks, hookedFiles } from './hooked-files.js'
import { SimulatedDisk } from './simulated-files.js'
import { openTestLog, readTexts, textRecord } from './temporary-log.js'

export const DIRECTORY = '/log'
export const FIRST = segmentName(1)
export const SEGMENT_BYTES = 8192
/** for tests that open a log once for each byte or bit */
export const EXHAUSTIVE_MS = 120_000

/** A log on a disk in memory, its frames' places, and the means to damage it. */
export class Bench {
  readonly disk = new SimulatedDisk(new Chance(1))
  /** by sequence */
  readonly places = new Map<number, RecordLocation>()
  events: WalEvent[] = []
  visited: string[] = []

  async open(options: Partial<LogOptions> = {}, hooks: FileHooks = {}): Promise<CompactableLog> {
    const opened = await openTestLog(DIRECTORY, {
      segmentBytes: SEGMENT_BYTES,
      files: hookedFiles(this.disk.mount(), hooks),
      ...options,
    })
    this.events = opened.events
    this.visited = opened.visited
    return opened.log
  }

  /** Writes the texts, each group in one flush, and learns where they lie. */
  async write(groups: readonly (readonly string[])[]): Promise<void> {
    const log = await this.open()
    for (const group of groups) await log.append(group.map(textRecord))
    await log.close()
    const again = await this.open({ visit: ({ sequence }, location) => this.places.set(sequence, location) })
    await again.close()
  }

  content(name: string): Buffer {
    return this.disk.content(join(DIRECTORY, name))
  }

  put(name: string, content: Buffer): void {
    this.disk.put(join(DIRECTORY, name), content)
  }

  edit(name: string, change: (content: Buffer) => Buffer | undefined): void {
    const content = this.content(name)
    this.put(name, change(content) ?? content)
  }

  place(sequence: number): RecordLocation {
    const place = this.places.get(sequence)
    if (place === undefined) throw new Error(`record ${sequence} is not in the log`)
    return place
  }

  names(): string[] {
    return this.disk
      .paths()
      .map((path) => path.slice(DIRECTORY.length + 1))
      .sort()
  }

  types(): string[] {
    return this.events.map(({ type }) => type)
  }

  /** A copy of the disk's files in a new bench. */
  copy(): Bench {
    const copy = new Bench()
    for (const name of this.names()) copy.put(name, this.content(name))
    for (const [sequence, place] of this.places) copy.places.set(sequence, place)
    return copy
  }
}

export async function benchWith(groups: readonly (readonly string[])[]): Promise<Bench> {
  const bench = new Bench()
  await bench.write(groups)
  return bench
}

/** What is there after opening, and again after an append and another opening. */
export async function openedTwice(bench: Bench): Promise<{ texts: string[]; events: WalEvent[] }> {
  const log = await bench.open()
  const texts = await readTexts(log)
  expect(bench.visited).toEqual(texts)
  const events = bench.events.filter(({ type }) => type !== 'segment_created')
  await log.append([textRecord('appended')])
  await log.close()
  const again = await bench.open()
  expect(await readTexts(again)).toEqual([...texts, 'appended'])
  expect(bench.types().filter((type) => type !== 'segment_created')).toEqual([])
  await again.close()
  return { texts, events }
}

export const FIVE = ['one', 'two', 'three', 'four', 'five']
export function texts(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `record ${index + 1}`)
}

export function flip(content: Buffer, offset: number, bit: number): Buffer {
  const position = offset + Math.floor(bit / 8)
  content.writeUInt8(content.readUInt8(position) ^ (1 << (bit % 8)), position)
  return content
}

export function cut(content: Buffer, start: number, end: number): Buffer {
  return Buffer.concat([content.subarray(0, start), content.subarray(end)])
}

export function sha256(...parts: readonly Uint8Array[]): Buffer {
  return createHash('sha256').update(Buffer.concat(parts)).digest()
}

export function replaceBody(
  content: Buffer,
  offset: number,
  text: string,
  fit: { digest?: boolean; chainAfter?: Buffer },
): Buffer {
  content.write(text, offset + FRAME.body)
  if (fit.digest === true) sha256(Buffer.from(text)).copy(content, offset + FRAME.digest)
  if (fit.chainAfter !== undefined) {
    const hashed = content.subarray(offset + FRAME.type, offset + FRAME.chain)
    sha256(fit.chainAfter, hashed).copy(content, offset + FRAME.chain)
  }
  return fitCrc(content, offset, offset + FRAME.body + text.length)
}

export function fitCrc(content: Buffer, offset: number, end: number): Buffer {
  content.writeUInt32LE(crc32c(content.subarray(offset + FRAME.storedLength, end)), offset + FRAME.crc)
  return content
}

/** The segment with the body of the record at `offset` dropped, as compaction does it. */
export function dropBody(content: Buffer, offset: number): Buffer {
  const end = offset + FRAME.body + content.readUInt32LE(offset + FRAME.storedLength)
  content.writeUInt32LE(0, offset + FRAME.storedLength)
  content.writeUInt8(1, offset + FRAME.state)
  return cut(fitCrc(content, offset, offset + FRAME.body), offset + FRAME.body, end)
}

/** A frame that is right in everything but the log secret. */
export function frameLike(logSecret: Buffer, sequence: number): Buffer {
  const body = Buffer.from('forged')
  const frame = Buffer.alloc(FRAME.body + body.length)
  frame.writeUInt32LE(body.length, FRAME.storedLength)
  frame.writeUInt16LE(1, FRAME.groupSize)
  logSecret.copy(frame, FRAME.logSecret)
  frame.writeUInt8(1, FRAME.type)
  frame.writeUInt32LE(body.length, FRAME.bodyLength)
  frame.writeUInt32LE(sequence, FRAME.sequence)
  frame.writeUInt32LE(sequence, FRAME.group)
  sha256(body).copy(frame, FRAME.digest)
  body.copy(frame, FRAME.body)
  return fitCrc(frame, 0, frame.length)
}
