import type { CompactionChoice, CompactionReport } from './compaction.js'
import type { OutboxSettings } from './options.js'
import type { OutboxIndex } from './outbox-index.js'

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

  /** Must be called after each acknowledged record. Begins a compaction in the background when one is due. */
  acknowledged({ counts, keptEntries }: OutboxIndex): void {
    const { acknowledgedMax, acknowledgedKept, onEvent } = this.#settings
    // A compaction is worth its copying only when it drops more than it copies.
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
