import { setImmediate as nextTurn } from 'node:timers/promises'
import { type CompactableLog, isWalError, type LogRecord, type SegmentInfo } from '@fractal-lba/wal'
import type { LogState } from '../log/log-state.js'
import { decodeMark, RECORD_TYPE } from '../log/records.js'
import { RecordTimes } from './record-times.js'
import {
  type Cutoffs,
  cutoffsAt,
  mayDropMark,
  mayDropSubmission,
  mayRemoveSegment,
  type RetentionLimits,
} from './retention.js'
import type { RetentionState } from './retention-state.js'
import type { SegmentTally } from './segment-tallies.js'
import { SequenceSet } from './sequence-set.js'

export interface CompactionOptions extends RetentionLimits {
  /** What expires then or before has expired: it stands still while the clock is not trusted. */
  readonly now: () => number
  /** Only counts what would be done. */
  readonly dryRun: boolean
  /** Rewrites a segment however little that frees; else only where it is worth it. */
  readonly thorough: boolean
  /** Ends the compaction after the segment that it is at. */
  readonly stopping?: AbortSignal
  /** Called after each segment with how far it has come, 0 to 1. */
  readonly onProgress?: (share: number) => void
}

export interface CompactionReport {
  segmentsRewritten: number
  segmentsRemoved: number
  bodiesDropped: number
  freedBytes: number
  /** Length of the log afterwards. */
  logBytes: number
  /** Longer than it may be, although all was dropped that may be. */
  limitExceeded: boolean
  /** Why it ended early, as a sentence; empty when it did not. */
  obstacle: string
}

/** A log that may be made smaller, and what its records say. */
export interface Compactable {
  readonly log: CompactableLog
  readonly state: LogState
  readonly retention: RetentionState
  /** Writes the current generation once more. */
  readonly repeatLasting: () => Promise<unknown>
}

/** A rewrite reads and writes the whole segment: not for less than this share of it, nor each hour. */
const WORTHWHILE_SHARE = 1 / 16
const REST_MS = 86_400_000

/** One compaction from the oldest segment to the newest. Not two at a time. */
export async function compactLog(target: Compactable, options: CompactionOptions): Promise<CompactionReport> {
  const pass = new CompactionPass(target, options)
  await pass.run()
  return pass.report
}

class CompactionPass {
  readonly report: CompactionReport = {
    segmentsRewritten: 0,
    segmentsRemoved: 0,
    bodiesDropped: 0,
    freedBytes: 0,
    logBytes: 0,
    limitExceeded: false,
    obstacle: '',
  }
  readonly #log: CompactableLog
  readonly #state: LogState
  readonly #retention: RetentionState
  readonly #repeatLasting: () => Promise<unknown>
  readonly #options: CompactionOptions
  readonly #nowMs: number
  readonly #cutoffs: Cutoffs
  /** What a dry run would have dropped. */
  readonly #wouldDrop = new SequenceSet()

  constructor({ log, state, retention, repeatLasting }: Compactable, options: CompactionOptions) {
    this.#log = log
    this.#state = state
    this.#retention = retention
    this.#repeatLasting = repeatLasting
    this.#options = options
    this.#nowMs = options.now()
    this.#cutoffs = cutoffsAt(this.#nowMs, options)
  }

  async run(): Promise<void> {
    // What is flushed by now is also known to the state when this turn has ended: nothing looks done that is not.
    const knownTo = this.#log.head().sequence
    await nextTurn()
    const removedBefore = await this.#removeOldest()
    const segments = this.#log
      .segments()
      .filter(({ firstSequence, lastSequence }) => firstSequence >= removedBefore && lastSequence <= knownTo)
      .filter(({ active, quarantined }) => !active && !quarantined)
    const rounds = this.#options.bytesMax > 0 ? 2 : 1
    let looked = 0
    for (let round = 1; round <= rounds; round += 1) {
      for (const segment of segments) {
        if (round === 1 || this.#pressing) await this.#dropBodies(segment, round > 1)
        looked += 1
        this.#options.onProgress?.(looked / (rounds * segments.length))
      }
    }
    this.report.logBytes = this.#bytes
    this.report.limitExceeded = this.#pressing
  }

  get #bytes(): number {
    const bytes = this.#log.segments().reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
    return this.#options.dryRun ? bytes - this.report.freedBytes : bytes
  }

  get #pressing(): boolean {
    const { bytesMax } = this.#options
    return bytesMax > 0 && this.#bytes > bytesMax
  }

  /** @returns the position below which nothing is left, or would be. */
  async #removeOldest(): Promise<number> {
    const removable = this.#removable()
    const last = removable.at(-1)
    if (!last) return 0
    const bound = last.lastSequence + 1
    if (!this.#options.dryRun) {
      // The generation, and that the log drains, must outlive the segment in which they stand.
      if (this.#state.mustRepeatBefore(bound)) await this.#repeatLasting()
      await this.#log.removeBefore(bound)
      this.#retention.forgetBefore(bound)
    }
    this.report.segmentsRemoved = removable.length
    for (const { sizeBytes } of removable) this.report.freedBytes += sizeBytes
    return bound
  }

  #removable(): SegmentInfo[] {
    const segments = this.#log.segments()
    const oldestUnfinished = this.#state.oldestUnfinished()
    const kept = segments.findIndex(
      ({ active, quarantined, lastSequence }) =>
        !mayRemoveSegment(
          {
            sealed: !active,
            quarantined,
            holdsUnfinished: oldestUnfinished <= lastSequence,
            newestMs: this.#retention.tallies.at(lastSequence)?.newestMs || undefined,
          },
          this.#cutoffs,
        ),
    )
    return segments.slice(0, kept < 0 ? segments.length : kept)
  }

  async #dropBodies(segment: SegmentInfo, pressing: boolean): Promise<void> {
    const tally = this.#retention.tallies.at(segment.firstSequence)
    if (this.#options.stopping?.aborted || this.report.obstacle !== '' || !tally) return
    if (!this.#isWorthwhile(segment, tally, pressing)) return
    const choice = new BodyChoice(
      this.#state,
      this.#retention,
      tally,
      this.#wouldDrop,
      this.#cutoffs,
      this.#options.now,
      pressing,
    )
    const result = this.#options.dryRun
      ? await this.#countDrops(segment, choice)
      : await this.#rewrite(segment, tally, choice)
    if (!result || result.dropped === 0) return
    this.report.segmentsRewritten += 1
    this.report.bodiesDropped += result.dropped
    this.report.freedBytes += result.freedBytes
  }

  #isWorthwhile({ sizeBytes }: SegmentInfo, tally: SegmentTally, pressing: boolean): boolean {
    const { judged, refused, marks, newestMs } = tally
    const { bodiesMs, marksMs } = this.#cutoffs
    const due = pressing ? judged.bytes : judged.bytesBefore(bodiesMs, newestMs)
    const gainBytes = refused.bytes + due + marks.bytesBefore(marksMs, newestMs)
    if (pressing || this.#options.thorough) return gainBytes > 0
    return gainBytes >= sizeBytes * WORTHWHILE_SHARE && tally.compactedAtMs + REST_MS <= this.#nowMs
  }

  async #countDrops(segment: SegmentInfo, choice: BodyChoice): Promise<Drops> {
    const drops = { dropped: 0, freedBytes: 0 }
    for await (const records of this.#log.read(segment.firstSequence, { to: segment.lastSequence })) {
      for (const record of records) {
        if (!record.body || !choice.drops(record)) continue
        drops.dropped += 1
        drops.freedBytes += record.bodyLength
      }
    }
    this.#wouldDrop.addAll(choice.dropped)
    return drops
  }

  async #rewrite(segment: SegmentInfo, tally: SegmentTally, choice: BodyChoice): Promise<Drops | undefined> {
    const undo = tally.recount()
    tally.compactedAtMs = this.#nowMs
    try {
      const result = await this.#log.dropBodies(segment.firstSequence, (record) => {
        const drops = choice.drops(record)
        if (!drops) this.#count(record, tally)
        return drops
      })
      this.#retention.dropped.addAll(choice.dropped)
      return result
    } catch (error) {
      undo()
      if (!isWalError(error, 'out_of_space') && !isWalError(error, 'damaged')) throw error
      this.report.obstacle = error.message
      return undefined
    }
  }

  /** A body that stays; one that is not done is counted when its mark comes. */
  #count({ type, sequence, timeMs: stampMs, bodyLength }: LogRecord, tally: SegmentTally): void {
    const timeMs = this.#state.stamps.timeOf(sequence, stampMs)
    if (type === RECORD_TYPE.mark) tally.marks.add(timeMs, bodyLength)
    if (type !== RECORD_TYPE.submission || this.#state.isUnfinished(sequence)) return
    const kind = this.#retention.refused.has(sequence) ? tally.refused : tally.judged
    kind.add(timeMs, bodyLength)
  }
}

interface Drops {
  readonly dropped: number
  readonly freedBytes: number
}

/** Decides for the records of one segment, in their order. */
class BodyChoice {
  /** The submissions among what was dropped. */
  readonly dropped = new SequenceSet()
  readonly #state: LogState
  readonly #retention: RetentionState
  readonly #wouldDrop: SequenceSet
  readonly #cutoffs: Cutoffs
  readonly #pressing: boolean
  readonly #times: RecordTimes

  constructor(
    state: LogState,
    retention: RetentionState,
    tally: SegmentTally,
    wouldDrop: SequenceSet,
    cutoffs: Cutoffs,
    now: () => number,
    pressing: boolean,
  ) {
    this.#state = state
    this.#retention = retention
    this.#wouldDrop = wouldDrop
    this.#cutoffs = cutoffs
    this.#pressing = pressing
    this.#times = new RecordTimes(now, tally.latestBeforeMs)
  }

  drops(record: LogRecord): boolean {
    const { sequence } = record
    const timeMs = this.#times.next(this.#state.stamps.timeOf(sequence, record.timeMs))
    switch (record.type) {
      case RECORD_TYPE.submission: {
        const facts = {
          done: !this.#state.isUnfinished(sequence),
          refused: this.#retention.refused.has(sequence),
          timeMs,
        }
        const drops = mayDropSubmission(facts, this.#cutoffs, this.#pressing)
        if (drops) this.dropped.add(sequence)
        return drops
      }
      case RECORD_TYPE.mark:
        // Younger ones, nearly all, are not looked into.
        if (timeMs >= this.#cutoffs.marksMs) return false
        return mayDropMark(
          { timeMs, submissionGone: this.#isGone(decodeMark(record)?.sequence) },
          this.#cutoffs,
        )
      default:
        return false
    }
  }

  #isGone(sequence: number | undefined): boolean {
    if (sequence === undefined) return false
    return (
      this.dropped.has(sequence) ||
      this.#wouldDrop.has(sequence) ||
      this.#retention.dropped.has(sequence) ||
      sequence < this.#retention.firstSequence
    )
  }
}
