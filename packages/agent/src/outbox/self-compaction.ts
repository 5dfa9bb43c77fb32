import type { CompactionChoice, CompactionReport } from './compaction.js'
import type { OutboxSettings } from './options.js'
import type { Books } from './outbox-index.js'

/** Keeps an outbox that runs for ever from growing for ever: drops old acknowledged records now and then. */
export class SelfCompaction {
  readonly #settings: OutboxSettings
  readonly #compact: (choice: CompactionChoice) => Promise<CompactionReport>
  #dueAt: number

  constructor(settings: OutboxSettings, compact: (choice: CompactionChoice) => Promise<CompactionReport>) {
    this.#settings = settings
    this.#compact = compact
    this.#dueAt = settings.acknowledgedMax
  }

  /** To be told after each acknowledged record; begins a compaction in the background when one is due. */
  acknowledged({ counts, keptEntries }: Books): void {
    const { acknowledgedMax, acknowledgedKept, onEvent } = this.#settings
    // a copy should drop more than it copies
    if (counts.acknowledged < Math.max(this.#dueAt, keptEntries + 2 * acknowledgedKept)) return
    this.#dueAt = Number.POSITIVE_INFINITY
    this.#compact({ acknowledgedKept }).then(
      (report) => {
        this.#dueAt = acknowledgedMax
        onEvent({ type: 'compacted', report })
      },
      (thrown: unknown) => {
        this.#dueAt = counts.acknowledged + acknowledgedMax
        const error = thrown instanceof Error ? thrown : new Error(String(thrown))
        onEvent({ type: 'compaction_failed', error })
      },
    )
  }
}
