import type { FindingsOfReason } from '../../recent-findings.js'
import { escapeHtml } from './layout.js'
import type { Links, RunbookName } from './links.js'

const MOODS = { refused: 'quiet', escalated: 'fair', failed: 'bad' } as const

const RUNBOOKS: Readonly<Record<string, RunbookName>> = {
  unauthenticated: 'signature-spike',
  pcs_conflict: 'dedup-conflicts',
  rate_limited: 'rate-limiting',
  unavailable: 'server-errors',
  internal: 'server-errors',
}

/** What was refused, escalated or failed since the start: a row for each reason, the newest first. */
export function findingsTable(findings: readonly FindingsOfReason[], links: Links): string {
  if (findings.length === 0)
    return '<p class="quiet">Nothing was refused, escalated or failed since the start.</p>'
  const rows = findings.map((finding) => {
    const { what, status, reason, recent, total, last } = finding
    return `<tr><td><span class="state ${MOODS[what]}">${what}</span></td><td>${status} <code>${escapeHtml(reason)}</code></td><td>${recent}</td><td>${total}</td><td>${lastText(last, links)}</td><td>${links.runbook(runbookOf(finding))}</td></tr>`
  })
  return `<div class="scroll" tabindex="0"><table><thead><tr><th>what</th><th>reason</th><th>in 5 min</th><th>since the start</th><th>the last one</th><th>runbook</th></tr></thead><tbody>
${rows.join('\n')}
</tbody></table></div>`
}

function runbookOf({ what, reason }: FindingsOfReason): RunbookName | undefined {
  return RUNBOOKS[reason] ?? (what === 'escalated' ? 'error-budget-burn' : undefined)
}

function lastText({ wallMs, requestId, pcsId, traceId }: FindingsOfReason['last'], links: Links): string {
  const parts = [
    timeText(wallMs),
    ...(requestId === undefined ? [] : [`request <code>${escapeHtml(requestId)}</code>`]),
    ...(pcsId === undefined
      ? []
      : [`<a href="/v1/pcs/${escapeHtml(pcsId)}"><code>${escapeHtml(pcsId.slice(0, 12))}…</code></a>`]),
    ...(traceId === undefined ? [] : [links.trace(traceId)]),
  ]
  return parts.join(', ')
}

/** Universal time, as the logs have it. */
export function timeText(wallMs: number): string {
  return `${new Date(wallMs).toISOString().slice(11, 19)} UTC`
}
