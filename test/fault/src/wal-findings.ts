import { bytesOfVerdict, LOG_RECORD_TYPE, logRecords, wal } from '@fractal-lba/proto'
import { type LogReport, openLog, type SegmentReport, verifyLog } from '@fractal-lba/wal'
import { credentials } from '@grpc/grpc-js'
import { unary } from '../../src/unary.js'
import { WalReader } from '../../src/wal-reader.js'
import { hexOf, nameOf, refusedMark, type WalAccount } from './wal-account.js'
import { BODY_BYTES_MAX } from './wal-load.js'

const LEASE_MS = 60_000
const LEASE_ENTRIES = 256
const FINDINGS_MAX = 10

export interface Recovery {
  /** A sentence for each thing that does not hold (the first ten), none when all does. */
  readonly findings: readonly string[]
  /** What the next recovery may begin with. */
  readonly nextSequence: number
}

/**
 * Asks a service that was just started for all that is open and for the marks from a position on. It must be that
 * acknowledged ⊆ recovered ⊆ sent, for what was acknowledged from that position on. Afterwards all that was open is
 * marked as refused, so that the next recovery is not burdened with it.
 */
export async function checkRecovery(
  address: string,
  account: WalAccount,
  { fromSequence = 0, bodyBytesMax = BODY_BYTES_MAX } = {},
): Promise<Recovery> {
  const reader = new WalReader(address)
  const client = new wal.WalServiceClient(address, credentials.createInsecure())
  try {
    const open = await leaseAll(client, await reader.state(), bodyBytesMax)
    const marks = (await reader.marks(fromSequence)).map(({ mark }) => ({
      ...mark,
      verdict: mark.verdict && bytesOfVerdict(mark.verdict),
    }))
    const findings = findingsIn({ open, marks }, account, fromSequence)
    await refuseAll(client, [...open.keys()], account, await reader.state())
    return { findings: findings.slice(0, FINDINGS_MAX), nextSequence: (await reader.state()).nextSequence }
  } finally {
    client.close()
    reader.close()
  }
}

/** What a recovered log says of itself. */
interface RecoveredLog {
  /** Of each open position the name of the body; undefined: nobody can have sent such a body. */
  readonly open: ReadonlyMap<number, string | undefined>
  readonly marks: readonly wal.Mark[]
}

async function leaseAll(
  client: wal.WalServiceClient,
  { openCount }: wal.GetStateResponse,
  bodyBytesMax: number,
): Promise<Map<number, string | undefined>> {
  const open = new Map<number, string | undefined>()
  for (;;) {
    const request = { entriesMax: LEASE_ENTRIES, leaseMs: LEASE_MS, bytesMax: 0 }
    const { entries } = await unary(client.leaseOpen.bind(client), request)
    if (entries.length === 0) break
    for (const { position, body } of entries) open.set(position?.sequence ?? 0, nameOf(body, bodyBytesMax))
  }
  if (open.size !== openCount) throw new Error(`${openCount} are open, but ${open.size} were handed out`)
  return open
}

async function refuseAll(
  client: wal.WalServiceClient,
  sequences: readonly number[],
  account: WalAccount,
  { logId }: wal.GetStateResponse,
): Promise<void> {
  await Promise.all(
    sequences.map(async (sequence) => {
      const mark = refusedMark(sequence)
      account.noteSentMark(sequence, mark)
      await unary(client.markDone.bind(client), { item: { logId, mark, traceparent: '' } })
      account.marked.set(sequence, mark)
    }),
  )
}

function findingsIn({ open, marks }: RecoveredLog, account: WalAccount, fromSequence: number): string[] {
  const found: string[] = []
  const recovered = new Map<number, Set<string>>()
  for (const mark of marks) {
    const hex = hexOf(mark)
    if (!account.sentMarks.get(mark.sequence)?.has(hex))
      found.push(`a mark of ${mark.sequence} that nobody sent`)
    recovered.set(mark.sequence, (recovered.get(mark.sequence) ?? new Set()).add(hex))
  }
  for (const [sequence, name] of open) {
    if (name === undefined || !account.sent.has(name))
      found.push(`an open submission ${sequence} that nobody sent`)
    if (account.marked.has(sequence)) found.push(`the mark of ${sequence} was acknowledged and is lost`)
  }
  for (const [sequence, name] of account.appended) {
    if (sequence < fromSequence) continue
    const isThere = open.has(sequence) ? open.get(sequence) === name : recovered.has(sequence)
    if (!isThere) found.push(`submission ${sequence} was acknowledged and is lost`)
  }
  for (const [sequence, mark] of account.marked) {
    if (sequence < fromSequence || open.has(sequence)) continue
    if (!recovered.get(sequence)?.has(hexOf(mark)))
      found.push(`the mark of ${sequence} was acknowledged and is lost`)
  }
  return found
}

/**
 * The log's files when no process has them: each frame sound, the chain whole, every acknowledged submission and
 * mark there, and nothing that was not sent. Bodies may be dropped where compaction was at work.
 */
export async function findingsOnDisk(
  directory: string,
  account: WalAccount,
  { bodyBytesMax = BODY_BYTES_MAX, compacted = false } = {},
): Promise<string[]> {
  const found = await objections(directory)
  const log = await openLog(directory, {
    segmentBytes: 1 << 20,
    onFatal: (error) => found.push(`the log failed: ${error.message}`),
  })
  const appended = new Map(account.appended)
  const marked = new Map([...account.marked].map(([sequence, mark]) => [sequence, hexOf(mark)]))
  for await (const records of log.read(1)) {
    for (const record of records) {
      const { type, sequence } = record
      if (type === LOG_RECORD_TYPE.submission) {
        const body = logRecords.submission.decode(record)?.body
        const name = body && nameOf(body, bodyBytesMax)
        if (body ? name === undefined || !account.sent.has(name) : !compacted) {
          found.push(`submission ${sequence} is not what anybody sent`)
        }
        if (!body || appended.get(sequence) === name) appended.delete(sequence)
      } else if (type === LOG_RECORD_TYPE.mark) {
        const mark = logRecords.mark.decode(record)
        if (!mark) continue
        const hex = hexOf(mark)
        if (!account.sentMarks.get(mark.sequence)?.has(hex))
          found.push(`mark ${sequence} is not what anybody sent`)
        if (marked.get(mark.sequence) === hex) marked.delete(mark.sequence)
      }
    }
  }
  await log.close()
  for (const [sequence] of appended)
    found.push(`submission ${sequence} was acknowledged and is lost from the files`)
  for (const [sequence] of marked)
    found.push(`the mark of ${sequence} was acknowledged and is lost from the files`)
  return found.slice(0, FINDINGS_MAX)
}

/** What a check of the files finds wrong with them; a torn tail is no fault. */
export async function objections(directory: string): Promise<string[]> {
  const found: string[] = []
  const reports: AsyncGenerator<SegmentReport, LogReport> = verifyLog(directory)
  for (;;) {
    const { value, done } = await reports.next()
    if (done) {
      if (!value.sound && found.length === 0) found.push('the log is not sound')
      return found
    }
    if (value.objection !== undefined) found.push(`${value.segment}: ${value.objection}`)
    if (value.damage.length > 0 && value.tornAt === undefined) found.push(`${value.segment}: damaged`)
  }
}
