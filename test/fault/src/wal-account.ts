import { createHash } from 'node:crypto'
import { bytesOfVerdict, wal } from '@fractal-lba/proto'

/** What the callers of one log know: what they sent, and what they were told is durable. Numbers are positions. */
export class WalAccount {
  /** Every body that was sent, by its name. */
  readonly sent = new Set<string>()
  /** The positions that callers were told, with the name of the body. */
  readonly appended = new Map<number, string>()
  /** Every mark that was sent, as its bytes in hex, by the position that it marks; a position may get several. */
  readonly sentMarks = new Map<number, Set<string>>()
  /** Of the positions marked: the mark that its caller was told is durable. */
  readonly marked = new Map<number, wal.Mark>()

  noteSentMark(sequence: number, mark: wal.Mark): void {
    const known = this.sentMarks.get(sequence) ?? new Set()
    known.add(hexOf(mark))
    this.sentMarks.set(sequence, known)
  }
}

const NAME_END = ':'
/** Not a zero, so that one sees in a segment where the last body ends. */
const BODY_END = '.'

/** A body that follows from its name, so that the name alone need be remembered. */
export function bodyOf(name: string, bytesMax: number): Buffer {
  const digest = createHash('sha256').update(name).digest()
  const sizeBytes = digest.readUInt32LE(0) % bytesMax
  return Buffer.concat([Buffer.from(name + NAME_END), Buffer.alloc(sizeBytes, digest), Buffer.from(BODY_END)])
}

/** The name of a whole, unchanged body; undefined for anything else. */
export function nameOf(body: Uint8Array, bytesMax: number): string | undefined {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
  const end = bytes.indexOf(NAME_END)
  if (end < 0) return undefined
  const name = bytes.toString('utf8', 0, end)
  return bodyOf(name, bytesMax).equals(bytes) ? name : undefined
}

/** The mark of an accepted record, different for each. */
export function acceptedMark(sequence: number, name: string, logId: string): wal.Mark {
  const hash = createHash('sha256').update(name).digest()
  const outcome = { pcsId: hash.toString('hex'), accepted: true, escalated: false, params: 'test' }
  const verdict = {
    outcome,
    fingerprint: Buffer.concat([Buffer.of(1), hash]),
    keyId: 'test',
    parameters: undefined,
    judgedAtMs: sequence,
    origin: { logId, sequence },
  }
  return {
    sequence,
    status: 200,
    verdict: bytesOfVerdict(verdict),
    indexed: false,
    generation: '',
    replayed: false,
  }
}

/** The mark of a record that was refused. */
export function refusedMark(sequence: number): wal.Mark {
  return { sequence, status: 400, verdict: undefined, indexed: false, generation: '', replayed: false }
}

export function hexOf(mark: wal.Mark): string {
  return Buffer.from(wal.Mark.encode(mark).finish()).toString('hex')
}
