import {
  type CompactableLog,
  type LogRecord,
  openLog,
  type RecordLocation,
  type WalEvent,
} from '@fractal-lba/wal'
import type { PinnedLog } from './pinned-log.js'

/** Damage that the next opening would set aside, under names that are on the disk. */
export type Finding =
  | { readonly kind: 'damaged'; readonly segment: string; readonly reason: string }
  /** Bytes at the end that are no whole group: a write under way, or what a crash left of one. */
  | {
      readonly kind: 'torn'
      readonly segment: string
      readonly offset: number
      readonly sizeBytes: number
    }

export interface LogView {
  readonly log: CompactableLog
  readonly findings: readonly Finding[]
}

export type Visit = (record: LogRecord, location: RecordLocation) => void

/**
 * Opens a pinned log by the very rules by which its owner opens it, but changes nothing. `visit` gets every intact
 * record, in order; its buffers are valid only during the call.
 */
export async function withLogView<Result>(
  pinned: PinnedLog,
  visit: Visit | undefined,
  use: (view: LogView) => Promise<Result>,
): Promise<Result> {
  const findings: Finding[] = []
  let broken: Error | undefined
  const log = await openLog(pinned.directory, {
    files: pinned.files,
    onFatal: (error) => {
      broken = error
    },
    onEvent: (event) => {
      const finding = findingOf(event)
      if (finding !== undefined) findings.push(finding)
    },
    ...(visit && { visit }),
  })
  try {
    const result = await use({ log, findings })
    if (broken !== undefined) throw broken
    return result
  } finally {
    await log.close()
  }
}

function findingOf(event: WalEvent): Finding | undefined {
  if (event.type === 'quarantined') {
    return { kind: 'damaged', segment: event.segment, reason: event.reason }
  }
  if (event.type === 'torn_tail') {
    const { segment, offset, sizeBytes } = event
    return { kind: 'torn', segment, offset, sizeBytes }
  }
  return undefined
}
