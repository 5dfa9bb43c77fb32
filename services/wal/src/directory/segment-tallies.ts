/** Bodies of one kind in one segment. */
export class BodyTally {
  bodies = 0
  bytes = 0
  oldestMs = Number.POSITIVE_INFINITY

  add(timeMs: number, sizeBytes: number): void {
    this.bodies += 1
    this.bytes += sizeBytes
    this.oldestMs = Math.min(this.oldestMs, timeMs)
  }

  notBeyond(timeMs: number): void {
    if (this.bodies > 0) this.oldestMs = Math.min(this.oldestMs, timeMs)
  }

  /** About how many bytes are older than that, if they came evenly between the oldest and newestMs. */
  bytesBefore(cutoffMs: number, newestMs: number): number {
    if (this.bodies === 0 || this.oldestMs >= cutoffMs) return 0
    if (newestMs < cutoffMs) return this.bytes
    return this.bytes * ((cutoffMs - this.oldestMs) / Math.max(1, newestMs - this.oldestMs))
  }
}

/**
 * What one segment holds, roughly: enough to know whether reading it again is worth it. What exactly is dropped
 * is decided record by record.
 */
export class SegmentTally {
  judged = new BodyTally()
  refused = new BodyTally()
  marks = new BodyTally()
  newestMs = 0
  /** Of the records before the segment. */
  latestBeforeMs: number
  readonly firstSequence: number
  /** When it was last compacted, by the trusted clock. */
  compactedAtMs = Number.NEGATIVE_INFINITY

  constructor(firstSequence: number, latestBeforeMs: number) {
    this.firstSequence = firstSequence
    this.latestBeforeMs = latestBeforeMs
  }

  /** Times beyond this one count as this one. */
  notBeyond(timeMs: number): void {
    for (const bodies of [this.judged, this.refused, this.marks]) bodies.notBeyond(timeMs)
    this.newestMs = Math.min(this.newestMs, timeMs)
    this.latestBeforeMs = Math.min(this.latestBeforeMs, timeMs)
  }

  /** Begins the count of bodies again. @returns what undoes it. */
  recount(): () => void {
    const { judged, refused, marks } = this
    this.judged = new BodyTally()
    this.refused = new BodyTally()
    this.marks = new BodyTally()
    return () => Object.assign(this, { judged, refused, marks })
  }
}

/** One tally for each segment, by position. */
export class SegmentTallies {
  #tallies: SegmentTally[] = []

  /** Does nothing for a segment that is known. */
  begin(firstSequence: number, latestBeforeMs: number): void {
    if (firstSequence <= (this.#tallies.at(-1)?.firstSequence ?? 0)) return
    this.#tallies.push(new SegmentTally(firstSequence, latestBeforeMs))
  }

  /** The tally of the segment that the position lies in. */
  at(sequence: number): SegmentTally | undefined {
    // Nearly always the newest: what is written, and what is read back.
    const newest = this.#tallies.at(-1)
    if (newest !== undefined && newest.firstSequence <= sequence) return newest
    let low = 0
    let high = this.#tallies.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#tallies[middle]?.firstSequence ?? 0) <= sequence) low = middle + 1
      else high = middle
    }
    return this.#tallies[low - 1]
  }

  /** Times beyond this one count as this one. */
  notBeyond(timeMs: number): void {
    for (const tally of this.#tallies) tally.notBeyond(timeMs)
  }

  forgetBefore(sequence: number): void {
    this.#tallies = this.#tallies.filter(({ firstSequence }) => firstSequence >= sequence)
  }
}
