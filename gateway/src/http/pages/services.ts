import type { dedup, wal } from '@fractal-lba/proto'
import type { Dependency } from '@fractal-lba/runtime'
import type { MonitorView } from '../../monitor.js'
import { escapeHtml } from './layout.js'
import type { Links, RunbookName } from './links.js'

/** A part of the system, as the page shows it. */
export interface Part {
  readonly name: string
  readonly state: Dependency['state']
  readonly detail: string | undefined
  /** Figures for a person, each with its unit. */
  readonly figures: readonly string[]
  /** What helps, where something is wrong. */
  readonly runbook: RunbookName | undefined
}

const OPEN_OLD_MS = 5 * 60_000
const MOODS: Readonly<Record<Dependency['state'], string>> = {
  up: 'good',
  draining: 'fair',
  retired: 'fair',
  filling: 'fair',
  full: 'bad',
  down: 'bad',
  unknown: 'bad',
}

/** Each log, each service and the store, with what their runbook would ask first. */
export function partsOf({ dependencies, logs, index }: MonitorView): readonly Part[] {
  const states = new Map(logs.map(({ name, state }) => [name, state]))
  return Object.entries(dependencies).map(([name, { state, detail }]) => {
    const part = { name, state, detail }
    if (states.has(name)) return { ...part, ...ofLog(state, states.get(name)) }
    if (name === 'store') return { ...part, ...ofStore(state, index) }
    return { ...part, figures: [], runbook: state === 'up' ? undefined : 'backend-down' }
  })
}

function ofLog(
  state: Dependency['state'],
  log: wal.GetStateResponse | undefined,
): Pick<Part, 'figures' | 'runbook'> {
  if (!log) return { figures: [], runbook: 'backend-down' }
  const { openCount, oldestOpenMs, diskFreeBytes, diskSizeBytes, logBytes, deadLetterCount } = log
  const damaged = log.quarantinedSegments.length
  const figures = [
    openCount === 0 ? 'nothing open' : `${openCount} open, the oldest for ${secondsText(oldestOpenMs)}`,
    `${bytesText(logBytes)} long`,
    ...(diskSizeBytes > 0 ? [`${bytesText(diskFreeBytes)} of ${bytesText(diskSizeBytes)} free`] : []),
    ...(deadLetterCount > 0 ? [`${deadLetterCount} dead letters`] : []),
    ...(damaged > 0 ? [`${damaged} segments quarantined`] : []),
  ]
  return { figures, runbook: runbookOfLog(state, log) }
}

/** Of what is worst. */
function runbookOfLog(state: Dependency['state'], log: wal.GetStateResponse): RunbookName | undefined {
  if (log.quarantinedSegments.length > 0) return 'wal-quarantined'
  if (state === 'full') return 'wal-disk-pressure'
  if (log.deadLetterCount > 0) return 'dead-letters'
  return log.oldestOpenMs > OPEN_OLD_MS ? 'wal-pending' : undefined
}

function ofStore(
  state: Dependency['state'],
  index: dedup.GetStateResponse | undefined,
): Pick<Part, 'figures' | 'runbook'> {
  const figures = index ? [`${index.backend}, ${index.remembered} ids remembered`] : []
  return { figures, runbook: state === 'up' || state === 'filling' ? undefined : 'dedup-outage' }
}

export function servicesTable(parts: readonly Part[], links: Links): string {
  const rows = parts.map(({ name, state, detail, figures, runbook }) => {
    const more = [...figures, ...(detail === undefined ? [] : [detail])].map(escapeHtml).join('; ')
    return `<tr><td>${escapeHtml(name)}</td><td><span class="state ${MOODS[state]}">${state}</span></td><td>${more}</td><td>${links.runbook(runbook)}</td></tr>`
  })
  return `<div class="scroll" tabindex="0"><table><thead><tr><th>part</th><th>state</th><th>figures</th><th>runbook</th></tr></thead><tbody>
${rows.join('\n')}
</tbody></table></div>`
}

function secondsText(ms: number): string {
  const seconds = Math.round(ms / 1_000)
  return seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`
}

export function bytesText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10))
  const amount = bytes / 2 ** (10 * power)
  return `${amount < 10 && power > 0 ? amount.toFixed(1) : Math.round(amount)} ${units[power]}`
}
