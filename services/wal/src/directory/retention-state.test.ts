import { record } from '@fractal-lba/proto'
import { describe, expect, it } from 'vitest'
import { BackedLog } from '../log/backed-log.js'
import { LogState } from '../log/log-state.js'
import { RECORD_TYPE } from '../log/records.js'
import { MemoryBackend } from '../memory/memory-backend.js'
import { RetentionState } from './retention-state.js'

const WALL_MS = 1_800_000_000_000
const LIMITS = { openMax: 100, liveLeaseMs: 0, replayTries: 1 }
const CONTEXT = { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`, tracestate: 'k=v' }

/** Of one segment that holds everything. */
function newRetention(): RetentionState {
  const retention = new RetentionState(() => WALL_MS)
  retention.beginSegment(1)
  return retention
}

/** A log with three submissions, of which one is judged, one refused and one open, and what its retention counted. */
async function followedLog() {
  const retention = newRetention()
  const backend = new MemoryBackend({ bytesMax: 2 ** 20 })
  const clocks = { wallMs: () => WALL_MS, monotonicMs: () => 0 }
  const log = new BackedLog(backend, new LogState(retention), LIMITS, clocks)
  const item = (sizeBytes: number) => ({
    body: Buffer.alloc(sizeBytes),
    encoding: record.Encoding.ENCODING_JSON,
    liveMs: 0,
    arrivedAtMs: WALL_MS,
  })
  await log.append([item(100), item(200), item(400)], [CONTEXT, undefined, CONTEXT])
  const mark = { sequence: 1, status: 200, indexed: false, generation: '', replayed: false }
  const marks = [
    { ...mark, verdict: Buffer.alloc(300) },
    { ...mark, sequence: 2, status: 401 },
  ]
  await log.mark(marks.map((one) => ({ logId: log.logId, mark: one })))
  return { retention, backend }
}

function countsOf({ tallies }: RetentionState) {
  const { judged, refused, marks } = tallies.at(1) ?? {}
  return { judged: judged?.bytes, refused: refused?.bytes, marks: marks?.bytes, bodies: marks?.bodies }
}

describe('the tallies of a segment', () => {
  it('count the bytes that stand in the log: a submission with its envelope', async () => {
    const { retention, backend } = await followedLog()
    const stored = [...backend.recovered()]
    const [judged = 0, refused = 0] = stored.map(({ bodyLength }) => bodyLength)
    expect(judged).toBeGreaterThan(100 + CONTEXT.traceparent.length)
    const marks = stored.filter(({ type }) => type === RECORD_TYPE.mark)
    const markBytes = marks.reduce((sum, { bodyLength }) => sum + bodyLength, 0)
    expect(countsOf(retention)).toEqual({ judged, refused, marks: markBytes, bodies: 2 })
  })

  it('are the same when the log is read back', async () => {
    const { retention, backend } = await followedLog()
    const recovered = newRetention()
    const state = new LogState(recovered)
    for (const one of backend.recovered()) {
      state.recover(one, 0)
      recovered.recovered(one)
    }
    expect(countsOf(recovered)).toEqual(countsOf(retention))
    expect(recovered.tallies.at(1)?.newestMs).toBe(retention.tallies.at(1)?.newestMs)
  })
})
