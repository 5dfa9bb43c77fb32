/** What the owner of a log may want to count or write down. */
export type WalEvent =
  | { readonly type: 'segment_created'; readonly segment: string }
  /** Damage at the end with nothing flushed after it: copied to `copy` and cut off. */
  | {
      readonly type: 'torn_tail'
      readonly segment: string
      readonly offset: number
      readonly sizeBytes: number
      readonly copy: string
    }
  /** Any other damage: the segment was renamed to `quarantinedAs`; what is intact in it is still read. */
  | {
      readonly type: 'quarantined'
      readonly segment: string
      readonly quarantinedAs: string
      readonly reason: string
    }
  /** Damage met by a reader in a segment that was intact at opening; the damaged records were left out. */
  | {
      readonly type: 'damage_read'
      readonly segment: string
      readonly offset: number
      readonly afterSequence: number
      readonly reason: string
    }
  /** The thread that checks ahead while a long log is opened has failed; opening goes on without it. */
  | { readonly type: 'check_failed'; readonly reason: string }
  /** A sealed segment was not read when the log was opened: its checkpoint stood for it. */
  | { readonly type: 'checkpoint_taken'; readonly segment: string }
  /** The checkpoint of a sealed segment could not be written: the next opening reads the segment. */
  | { readonly type: 'checkpoint_failed'; readonly segment: string; readonly reason: string }
  /** One group is durable; `seconds` is the time of its fdatasync alone. */
  | {
      readonly type: 'flushed'
      readonly records: number
      readonly sizeBytes: number
      readonly seconds: number
    }
  /** There is no room for the next segment; tried again until there is. Appends are refused when they need it. */
  | { readonly type: 'out_of_space'; readonly reason: string }
  /** There is room again. */
  | { readonly type: 'space_available' }
