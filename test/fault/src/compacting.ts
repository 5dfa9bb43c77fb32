import { setTimeout as sleep } from 'node:timers/promises'
import { wal } from '@fractal-lba/proto'
import { credentials } from '@grpc/grpc-js'
import { unary } from '../../src/unary.js'
import type { LoneWal } from './lone-wal.js'

/** What compaction has done, over all lives of a log. */
export interface Compacted {
  bodiesDropped: number
  segmentsRewritten: number
  /** Compactions that were under way when the process died. */
  interrupted: number
}

/** Bodies of judged records may go after a second; outcomes must stay for a fortnight. */
export const compactingWal = { WAL_RETENTION: '1s', DEDUP_TTL: '14d', WAL_COMPACT_EVERY: '0s' }

const PAUSE_MS = 20

/** Whether at least one compaction that changed something came to its end. */
export function hasWorked({ bodiesDropped, segmentsRewritten }: Compacted): boolean {
  return bodiesDropped > 0 && segmentsRewritten > 0
}

/** Compacts again and again until it is over; a log that is dying or gone is left alone. */
export async function keepCompacting(of: LoneWal, over: AbortSignal, total: Compacted): Promise<void> {
  const client = new wal.WalServiceClient(of.address, credentials.createInsecure())
  while (!over.aborted) {
    try {
      const report = await unary(client.compact.bind(client), { dryRun: false })
      total.bodiesDropped += report.bodiesDropped
      total.segmentsRewritten += report.segmentsRewritten
      await sleep(PAUSE_MS)
    } catch (error) {
      if (!(error instanceof Error && 'code' in error)) throw error
      if (error.message.includes('ECONNRESET')) total.interrupted += 1
      await sleep(PAUSE_MS)
    }
  }
  client.close()
}
