import type { Client } from '../../src/client.js'
import { type Acknowledged, answered, disagreements, inParallel, type Load } from '../../src/load.js'
import { type TestRecord, textOf, twinOf } from '../../src/records.js'
import type { AnyConstellation, System } from '../../src/system.js'
import type { WalReader } from '../../src/wal-reader.js'

const REPLAY_LIMIT_MS = 30_000
const FINDINGS_MAX = 10

/**
 * Two sets of parameters under which nothing is judged alike: whoever judges again what was acknowledged, instead
 * of remembering it, is found out.
 */
export const otherParameters: readonly Readonly<Record<string, string>>[] = [
  {},
  { PCS_TOL_D: '0.01', PCS_ALPHA: '0.9', PCS_TOL_BUDGET: '0.001', PCS_BASE: '0.5' },
]

/** What the agents of one constellation know, over all its lives. */
export class Account {
  readonly acknowledged: Acknowledged[] = []
  readonly sentIds = new Set<string>()
  readonly oddities: string[] = []

  /** Makes the records for a load, and remembers each before it is sent. */
  sending(next: () => TestRecord): () => TestRecord {
    return () => {
      const record = next()
      this.sentIds.add(record.pcs_id)
      return record
    }
  }

  /** Takes over what a load has learnt. */
  add(load: Load): void {
    this.acknowledged.push(...load.acknowledged)
    this.oddities.push(...load.oddities)
  }
}

/**
 * Asks a constellation that has just recovered: acknowledged ⊆ recovered ⊆ sent; each acknowledged outcome is as it
 * was, its duplicate replayed, its twin of another content a 409; one fingerprint for each id in the log.
 * @param acknowledged those to ask for, all of the account's unless told otherwise.
 * @returns a sentence for each thing that does not hold (the first ten), none when all does.
 */
export function systemFindings(
  { client, wal }: System<AnyConstellation>,
  account: Account,
  acknowledged: readonly Acknowledged[] = account.acknowledged,
): Promise<string[]> {
  return findingsOf(client, [wal], account, acknowledged)
}

/** As `systemFindings`, at one gateway over several logs. */
export async function findingsOf(
  client: Client,
  logs: readonly WalReader[],
  account: Account,
  acknowledged: readonly Acknowledged[] = account.acknowledged,
): Promise<string[]> {
  const found = [...account.oddities]
  for (const log of logs) {
    await log.untilConnected(REPLAY_LIMIT_MS)
    await log.untilNothingOpen(REPLAY_LIMIT_MS)
  }
  found.push(...(await findingsInMarks(logs, account)))
  found.push(...(await disagreements(client, acknowledged)))
  await inParallel(acknowledged, async ({ record, status, body }) => {
    const twin = await answered(() => client.submit(textOf(twinOf(record))))
    if (twin.status !== 409) found.push(`${record.shard_id}: its twin got ${twin.status}`)
    const shown = await answered(() => client.outcome(record.pcs_id))
    if (shown.status !== status || !shown.body.equals(body))
      found.push(`${record.shard_id}: GET shows ${shown.status} ${shown.body}`)
  })
  return found.slice(0, FINDINGS_MAX)
}

async function findingsInMarks(logs: readonly WalReader[], account: Account): Promise<string[]> {
  const found: string[] = []
  const fingerprints = new Map<string, string>()
  const statuses = new Map<string, number>()
  const marks = await Promise.all(logs.map((log) => log.marks()))
  for (const { mark } of marks.flat()) {
    const { outcome, fingerprint } = mark?.verdict ?? {}
    if (!mark || !outcome || !fingerprint) continue
    const { pcsId } = outcome
    const hex = Buffer.from(fingerprint).toString('hex')
    if (!account.sentIds.has(pcsId)) found.push(`a mark of ${pcsId}, which nobody sent`)
    if ((fingerprints.get(pcsId) ?? hex) !== hex) found.push(`two fingerprints of ${pcsId}`)
    fingerprints.set(pcsId, hex)
    if (mark.status !== 409) statuses.set(pcsId, mark.status)
  }
  for (const { record, status } of account.acknowledged) {
    const marked = statuses.get(record.pcs_id)
    if (marked !== status) found.push(`${record.shard_id}: told ${status}, but marked ${marked}`)
  }
  return found
}
