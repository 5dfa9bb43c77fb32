/** The durable outbox of an agent. What it keeps on the disk stands in `records.ts`. */

export type { CompactionChoice, CompactionReport } from './compaction.js'
export { isOutboxError, OutboxError, type OutboxErrorCode } from './errors.js'
export type { OutboxFiles } from './files.js'
export type { OutboxEvent, OutboxOptions } from './options.js'
export { type OutboxLimits, readOutboxLimits } from './options.js'
export { type Added, Outbox, type Settlement } from './outbox.js'
export type { Counts, EntryState, OutboxEntry } from './outbox-index.js'
export type { OutboxLog } from './outbox-log.js'
export type { SettledKind, SettlementHead } from './records.js'
export { CONFLICTS_FILE, DEAD_LETTERS_FILE } from './reports.js'
export { outboxExists, withSnapshot } from './snapshot.js'
