/*
 * THE OUTBOX ON DISK, version 1. The numbers and names on this page are promises: never reuse one.
 *
 *   current                  one line: the name of the directory that holds the log, such as `log-1`
 *   current.new              the next such line while it is written
 *   log-<n>/                 a log (packages/wal). Compaction writes log-<n+1>, then replaces `current`: that rename
 *                            is its one moment. Any other log-<m> is what a crash left, and is removed at opening.
 *   conflicts.jsonl          for people: each line a record that was answered by 409; never read for its content
 *   dead-letters.jsonl       for people: each line a record that was refused; never read for its content
 *   lock.<16 hex>            sockets of the processes that hold or want the outbox
 *
 * RECORD OF THE LOG, body encoding 1 = one line of JSON (the head), a line feed, then bytes (the content).
 *
 *   type  name          head                                             content
 *      1  entry         seq, pcs_id, fingerprint (66 hex digits), at     the PCS record, byte for byte as it is sent
 *      2  acknowledged  seq, status, replayed, attempts, at              the verdict as it came
 *      3  dead          seq, status, replayed, attempts, at              the problem document as it came
 *      4  conflict      seq, status, replayed, attempts, at              the problem document as it came
 *      5  revived       seq, at                                          –
 *      6  opening       next_seq, at                                     –
 *
 * - `seq` is the `outbox_seq` of the record: from 1, rising, never given twice. `at` is wall clock, ms.
 * - An entry is durable before its record is sent. It is pending until an acknowledged, dead or conflict record
 *   with its seq follows; a revived record makes a dead one, or one in conflict, pending again. Attempts that end in "later" leave
 *   nothing on the disk.
 * - `attempts` counts from the start of the process that got the answer. An answer is kept up to 64 KiB.
 * - `opening` is the first record of a compacted log: with what was dropped went the highest seq.
 * - The two files for people follow the log: a line that a crash prevented is written at the next opening.
 */

import { jsonObject } from '@fractal-lba/runtime/text'
import type { LogRecord, NewRecord } from '@fractal-lba/wal'
import { OutboxError } from './errors.js'

export const RECORD_TYPE = {
  entry: 1,
  acknowledged: 2,
  dead: 3,
  conflict: 4,
  revived: 5,
  opening: 6,
} as const

const ENCODING_HEAD_AND_CONTENT = 1
const ANSWER_BYTES_MAX = 64 * 1024
const LINE_FEED = 0x0a

export interface EntryHead {
  readonly kind: 'entry'
  readonly seq: number
  readonly pcsId: string
  /** 66 hex digits */
  readonly fingerprint: string
  readonly atMs: number
}

export type SettledKind = 'acknowledged' | 'dead' | 'conflict'

/** What ended a record's way. */
export interface SettlementHead {
  readonly kind: SettledKind
  readonly seq: number
  readonly status: number
  readonly replayed: boolean
  readonly attempts: number
  readonly atMs: number
}

export interface RevivalHead {
  readonly kind: 'revived'
  readonly seq: number
  readonly atMs: number
}

export interface OpeningHead {
  readonly kind: 'opening'
  readonly nextSeq: number
  readonly atMs: number
}

export type Head = EntryHead | SettlementHead | RevivalHead | OpeningHead

export interface OutboxRecord {
  readonly head: Head
  readonly content: Buffer
}

export function encodeRecord(head: Head, content: Uint8Array = new Uint8Array()): NewRecord {
  const kept = head.kind === 'entry' ? content : content.subarray(0, ANSWER_BYTES_MAX)
  const body = Buffer.concat([Buffer.from(`${JSON.stringify(onDisk(head))}\n`), kept])
  return { type: RECORD_TYPE[head.kind], encoding: ENCODING_HEAD_AND_CONTENT, body }
}

function onDisk(head: Head): Readonly<Record<string, unknown>> {
  switch (head.kind) {
    case 'entry':
      return { seq: head.seq, pcs_id: head.pcsId, fingerprint: head.fingerprint, at: head.atMs }
    case 'revived':
      return { seq: head.seq, at: head.atMs }
    case 'opening':
      return { next_seq: head.nextSeq, at: head.atMs }
    default: {
      const { seq, status, replayed, attempts, atMs } = head
      return { seq, status, replayed, attempts, at: atMs }
    }
  }
}

/**
 * Reads a record of the log; the content is a view of its body.
 * @throws OutboxError `unsupported` for what this version does not write
 */
export function decodeRecord({
  type,
  encoding,
  body,
}: Pick<LogRecord, 'type' | 'encoding' | 'body'>): OutboxRecord {
  const end = body?.indexOf(LINE_FEED) ?? -1
  const line = body && end >= 0 ? jsonObject(body.toString('utf8', 0, end)) : undefined
  const head = line && encoding === ENCODING_HEAD_AND_CONTENT ? headOf(type, line) : undefined
  if (body === undefined || head === undefined) {
    throw new OutboxError(
      'unsupported',
      `the outbox holds a record (type ${type}, encoding ${encoding}) that this version cannot read; it was written by another one`,
    )
  }
  return { head, content: body.subarray(end + 1) }
}

function headOf(type: number, line: Readonly<Record<string, unknown>>): Head | undefined {
  const kind = kindOf(type)
  const { seq, at, next_seq, pcs_id, fingerprint, status, replayed, attempts } = line
  if (kind === undefined || !isCount(at)) return undefined
  if (kind === 'opening') return isCount(next_seq) ? { kind, nextSeq: next_seq, atMs: at } : undefined
  if (!isCount(seq)) return undefined
  if (kind === 'revived') return { kind, seq, atMs: at }
  if (kind === 'entry') {
    if (typeof pcs_id !== 'string' || typeof fingerprint !== 'string') return undefined
    return { kind, seq, pcsId: pcs_id, fingerprint, atMs: at }
  }
  if (!isCount(status) || typeof replayed !== 'boolean' || !isCount(attempts)) return undefined
  return { kind, seq, status, replayed, attempts, atMs: at }
}

const KINDS: readonly Head['kind'][] = ['entry', 'acknowledged', 'dead', 'conflict', 'revived', 'opening']

function kindOf(type: number): Head['kind'] | undefined {
  return KINDS.find((kind) => RECORD_TYPE[kind] === type)
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}
