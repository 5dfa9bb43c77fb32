/*
 * The segments of a directory as their names and headers describe them, and the rules by which they must
 * meet: shared by opening (recovery.ts) and by verification (verify.ts).
 */

import { join } from 'node:path'
import { decodeFrame, FrameFields } from './decoder.js'
import { WalError } from './errors.js'
import { type Files, type OpenFile, readFully, withFile } from './files.js'
import {
  decodeSegmentHeader,
  FRAME,
  LOG_SECRET_BYTES,
  type LogIdentity,
  newIdentity,
  parseSegmentName,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
} from './format.js'
import { FrameBytes } from './frame-bytes.js'
import type { ScanPoint } from './scan.js'

/** A first frame longer than this is not searched for its log secret. */
const SNIFF_BYTES_MAX = 4 << 20

/** A file that is a segment by its name. */
export interface FoundSegment {
  readonly name: string
  readonly firstSequence: number
  readonly quarantined: boolean
  readonly header: SegmentHeader | undefined
}

/** The segments in order of their sequences, headers read. */
export async function findSegments(files: Files, directory: string): Promise<FoundSegment[]> {
  const found: FoundSegment[] = []
  for (const name of await files.list(directory)) {
    const parsed = parseSegmentName(name)
    if (parsed === undefined) continue
    found.push({ name, ...parsed, header: await readHeader(files, join(directory, name)) })
  }
  // a quarantined segment comes before the one that was begun after it under the same first sequence
  const rank = (one: FoundSegment) => (one.quarantined ? 0 : 1)
  return found.sort((a, b) => firstOf(a) - firstOf(b) || rank(a) - rank(b) || a.name.localeCompare(b.name))
}

async function readHeader(files: Files, path: string): Promise<SegmentHeader | undefined> {
  const block = Buffer.alloc(SEGMENT_HEADER_BYTES)
  await withFile(files, path, 'read', (file) => readFully(file, block, 0))
  const header = decodeSegmentHeader(block)
  if (header !== undefined && 'version' in header) {
    const sentence = `${path} has format version ${header.version}, which this program does not know; use a newer one.`
    throw new WalError('unsupported', sentence)
  }
  return header
}

/** The identity that most headers state; without any, the log secret of the first readable frame and a new log id. */
export async function recoverIdentity(
  files: Files,
  directory: string,
  found: readonly FoundSegment[],
  randomBytes?: (sizeBytes: number) => Buffer,
): Promise<LogIdentity> {
  const stated = mostFrequentIdentity(found)
  if (stated !== undefined) return stated
  const fresh = newIdentity(randomBytes)
  for (const { name, firstSequence } of found) {
    const path = join(directory, name)
    const logSecret = await withFile(files, path, 'read', (file) => sniffLogSecret(file, firstSequence))
    if (logSecret !== undefined) return { ...fresh, logSecret }
  }
  return fresh
}

/** By majority, so that one file from elsewhere does not make strangers of all the others. */
function mostFrequentIdentity(found: readonly FoundSegment[]): LogIdentity | undefined {
  const counts = new Map<string, number>()
  let most: SegmentHeader | undefined
  let mostCount = 0
  for (const { header } of found) {
    if (header === undefined) continue
    const logId = header.logId.toString('hex')
    const count = (counts.get(logId) ?? 0) + 1
    counts.set(logId, count)
    if (count < mostCount) continue
    most = header
    mostCount = count
  }
  return most
}

/** Whether the segment's header names another log. */
export function isForeign({ header }: FoundSegment, identity: LogIdentity): boolean {
  return header !== undefined && !header.logId.equals(identity.logId)
}

/** The log secret of the first frame, if that is intact and has the sequence that the file name promises. */
async function sniffLogSecret(file: OpenFile, firstSequence: number): Promise<Buffer | undefined> {
  const sizeBytes = await file.size()
  const bytes = Buffer.alloc(Math.min(Math.max(0, sizeBytes - SEGMENT_HEADER_BYTES), SNIFF_BYTES_MAX))
  if (bytes.length < FRAME.body || (await readFully(file, bytes, SEGMENT_HEADER_BYTES)) < bytes.length)
    return undefined
  const logSecret = Buffer.from(bytes.subarray(FRAME.logSecret, FRAME.logSecret + LOG_SECRET_BYTES))
  const fields = new FrameFields()
  const status = logSecret.includes(0)
    ? 'damaged'
    : decodeFrame(new FrameBytes(bytes), 0, bytes.length, logSecret, fields)
  return status === 'frame' && fields.sequence === firstSequence ? logSecret : undefined
}

/** What the segment's first record builds on: from its header, or else from what was read before. */
export function pointBefore(found: FoundSegment, carried: ScanPoint): ScanPoint {
  const sequence = firstOf(found) - 1
  if (sequence < carried.sequence) return carried
  if (found.header !== undefined) return found.header.before
  return sequence === carried.sequence ? carried : { sequence, group: undefined, chain: undefined }
}

/** What is wrong with a segment before its frames are looked at; `carried` when segments were read before it. */
export function beginObjection(
  { header, firstSequence }: FoundSegment,
  carried: ScanPoint | undefined,
): string | undefined {
  if (header === undefined) return 'its header cannot be read'
  if (header.before.sequence + 1 !== firstSequence) return 'its name does not state its first sequence'
  if (carried !== undefined && firstSequence <= carried.sequence) return 'its sequences were already read'
  return undefined
}

/** What is wrong with the end of a segment, given the beginning of the next. */
export function endObjection(end: ScanPoint, next: FoundSegment | undefined): string | undefined {
  if (next === undefined) return undefined
  if (firstOf(next) > end.sequence + 1)
    return `records are missing between ${end.sequence} and ${firstOf(next)}`
  const begins = next.header?.before
  // of two that overlap, the later one is to blame (beginObjection)
  if (begins === undefined || next.quarantined || firstOf(next) <= end.sequence) return undefined
  if (end.group !== undefined && begins.group !== end.group)
    return 'the next segment begins after another flush group'
  if (end.chain !== undefined && !begins.chain.equals(end.chain))
    return 'the next segment begins with another hash chain'
  return undefined
}

/** The first sequence of a segment: from its header, else from its name. */
export function firstOf({ header, firstSequence }: FoundSegment): number {
  return header === undefined ? firstSequence : header.before.sequence + 1
}
