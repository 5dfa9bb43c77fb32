import { record } from '@fractal-lba/proto'
import { localGrpcAddress } from '@fractal-lba/runtime'
import type { Fault } from './fault.js'
import { WalCalls } from './wal-calls.js'

/** Of a body that nobody judges. */
const BODY_BYTES = 60_000
/** Three times what the second log may be long. */
const BODIES = 50
export const SMALL_LOG_BYTES = '1Mi'

function tooMuchToKeep(): Fault {
  const open: record.Position[] = []
  return {
    what: 'a log with a limit gets more unfinished submissions than it may hold',
    alerts: ['FLKWALLimitExceeded critical'],
    begin: async ({ secondWal }) => {
      const calls = new WalCalls(secondWal.grpcAddress)
      try {
        for (let sent = 0; sent < BODIES; sent++) open.push(await calls.append(Buffer.alloc(BODY_BYTES, 'x')))
      } catch (error) {
        // It refuses from its limit on, which is what is wanted.
        if (open.length === 0) throw error
      } finally {
        calls.close()
      }
    },
    // They are malformed, and need no longer be kept.
    end: async ({ secondWal }) => {
      const calls = new WalCalls(secondWal.grpcAddress)
      for (const { logId, sequence } of open.splice(0)) {
        const refused = { sequence, status: 400, indexed: false, generation: '', replayed: false }
        await calls.markDone(logId, { ...refused, verdict: undefined })
      }
      calls.close()
    },
  }
}

/** No fault of the product makes such a mark: it is written past the gateway. */
const contradiction: Fault = {
  what: 'a mark is forged that contradicts another, and the index is rebuilt',
  alerts: ['FLKIntegrityConflict page'],
  obstacle: async ({ store }) => (store ? undefined : 'an index in memory meets the marks at each start'),
  begin: async ({ site, pcs }) => {
    const calls = new WalCalls(localGrpcAddress('wal', site.port))
    const { mark, verdict } = await calls.lastIndexed()
    const { logId, sequence } = await calls.append(Buffer.from('forged'))
    const fingerprint = Buffer.from(verdict.fingerprint)
    fingerprint.writeUInt8(fingerprint.readUInt8(fingerprint.length - 1) ^ 1, fingerprint.length - 1)
    const forged = record.Verdict.encode({ ...verdict, fingerprint }).finish()
    await calls.markDone(logId, { ...mark, sequence, verdict: Buffer.from(forged) })
    calls.close()
    // It says with its exit code that marks contradict each other.
    await pcs('dedup', 'rebuild').catch((error: unknown) => {
      if (!(error instanceof Error && 'code' in error && error.code === 1)) throw error
    })
  },
  // The count begins anew with the process, and a store that is filled is not read again.
  end: ({ constellation }) => constellation.kill('dedup'),
}

export const forgedFaults: readonly Fault[] = [tooMuchToKeep(), contradiction]
