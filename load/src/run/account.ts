import { setTimeout as sleep } from 'node:timers/promises'
import { inspectPinned, pinLog } from '@fractal-lba/log-tools'
import { type Reading, read } from './sampler.js'
import type { Target } from './target.js'

/** What the generator did. */
export interface Sent {
  /** Submissions by kind: new, duplicate, bad_signature, malformed. */
  readonly kinds: Readonly<Record<string, number>>
  /** Answers by status. */
  readonly answers: Readonly<Record<string, number>>
  /** Submissions that got no answer. */
  readonly unanswered: number
  /** Submissions that were appended straight to the log, without the gateway. */
  readonly appendedDirectly?: number
}

/** What the product says that it did meanwhile. */
export interface Seen {
  readonly answers: Readonly<Record<string, number>>
  readonly appended: number
  readonly accepted: number
  readonly duplicates: number
  readonly badSignatures: number
  /** Where its log can be read. */
  readonly log: SeenLog | undefined
}

export interface SeenLog {
  readonly submissions: number
  readonly marks: number
  readonly open: number
}

/** One line of the account: what was sent, and what the product says of it. */
export interface AccountLine {
  readonly what: string
  readonly sent: number
  readonly seen: number
  readonly agrees: boolean
}

/** What may stand in the log without an answer that says so. */
const UNSETTLED = 503
const SETTLE_LIMIT_MS = 60_000
const SETTLE_POLL_MS = 200

/** Holds what was sent against what the product says: each record must be found again, and none beside. */
export function accountOf(
  { kinds, answers, unanswered, appendedDirectly = 0 }: Sent,
  seen: Seen,
): readonly AccountLine[] {
  const total = (counts: Readonly<Record<string, number>>): number =>
    Object.values(counts).reduce((sum, count) => sum + count, 0)
  const of = (...statuses: number[]): number =>
    statuses.reduce((sum, status) => sum + (answers[status] ?? 0), 0)
  // A submission that was answered 503, or not at all, may have been appended, and is finished then.
  const open = of(UNSETTLED) + unanswered
  const line = (what: string, sent: number, found: number, mayBeMore = 0): AccountLine => ({
    ...{ what, sent, seen: found },
    agrees: found >= sent && found <= sent + mayBeMore,
  })
  const statuses = new Set([...Object.keys(answers), ...Object.keys(seen.answers)])
  const appended = of(200, 202, 400, 401, 409)
  return [
    { ...line('submissions, and their answers', total(kinds), total(answers) + unanswered) },
    ...[...statuses].sort().map((status) => {
      const sent = answers[status] ?? 0
      return line(`answers ${status}`, sent, seen.answers[status] ?? 0, unanswered)
    }),
    line('appended to the log', appended, seen.appended, open),
    line('refused for their signature', of(401), seen.badSignatures, open),
    ...firstAndAgain(kinds, answers, seen, open),
    ...(seen.log ? logLines(seen.appended + appendedDirectly, seen.log) : []),
  ]
}

/** Of the accepted ones each is new once, and a duplicate each further time. */
function firstAndAgain(
  kinds: Sent['kinds'],
  answers: Sent['answers'],
  seen: Seen,
  open: number,
): readonly AccountLine[] {
  const valid = (answers[200] ?? 0) + (answers[202] ?? 0)
  const found = seen.accepted + seen.duplicates
  const fresh = kinds.new ?? 0
  return [
    {
      what: 'outcomes: first ones and replayed ones',
      ...{ sent: valid, seen: found, agrees: found >= valid && found <= valid + open },
    },
    {
      what: 'new records, judged once each',
      ...{
        sent: fresh,
        seen: seen.accepted,
        agrees: seen.accepted <= fresh && seen.accepted >= fresh - open,
      },
    },
  ]
}

function logLines(appended: number, { submissions, marks, open }: SeenLog): readonly AccountLine[] {
  return [
    {
      what: 'submissions in the log',
      ...{ sent: appended, seen: submissions, agrees: submissions === appended },
    },
    { what: 'marks in the log', ...{ sent: submissions, seen: marks, agrees: marks === submissions } },
    { what: 'submissions without a mark', ...{ sent: 0, seen: open, agrees: open === 0 } },
  ]
}

/** Waits until nothing is open, within a minute. */
export async function settled(target: Target): Promise<Reading> {
  const deadlineMs = performance.now() + SETTLE_LIMIT_MS
  for (;;) {
    const reading = await read(target)
    const pending = reading.metrics.get('wal')?.sum('wal_pending_records') ?? 0
    if (pending === 0 || performance.now() > deadlineMs) return reading
    await sleep(SETTLE_POLL_MS)
  }
}

/** What the product says, from its metrics before and after, and from its log. */
export async function seenBetween(target: Target, before: Reading, after: Reading): Promise<Seen> {
  const [now, then] = [after.metrics.get('gateway'), before.metrics.get('gateway')]
  const more = (name: string): number => (now?.sum(name) ?? 0) - (then?.sum(name) ?? 0)
  const codes = now?.by('flk_submissions_total', 'code') ?? new Map<string, number>()
  const earlier = then?.by('flk_submissions_total', 'code')
  return {
    answers: Object.fromEntries(
      [...codes]
        .map(([code, count]) => [code, count - (earlier?.get(code) ?? 0)] as const)
        .filter(([, count]) => count > 0),
    ),
    appended: more('flk_ingest_total'),
    accepted: more('flk_accepted'),
    duplicates: more('flk_dedup_hits'),
    badSignatures: more('flk_signature_err'),
    log: target.own ? await seenInLog(target.own.walDir) : undefined,
  }
}

async function seenInLog(walDir: string): Promise<SeenLog> {
  const pinned = await pinLog(walDir)
  try {
    const { counts, statuses, open } = await inspectPinned(pinned)
    const marks = [...statuses.values()].reduce((sum, count) => sum + count, 0)
    return { submissions: counts.get('submission') ?? 0, marks, open: open.length }
  } finally {
    await pinned.close()
  }
}
