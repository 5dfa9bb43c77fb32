import { escapeHtml } from './layout.js'

/** Where else a person looks; each is a base URL without a slash at its end, undefined where there is no such place. */
export interface LinkTargets {
  /** The trace is at `<base>/<trace id>`. */
  readonly traces: string | undefined
  /** The runbook is at `<base>/<name>.md`. */
  readonly runbooks: string | undefined
  /** Of Grafana: the dashboard is at `<base>/d/<uid>`. */
  readonly dashboards: string | undefined
}

/** The runbooks that the page leads to, as docs/runbooks has them. */
export const runbookNames = [
  'backend-down',
  'dead-letters',
  'dedup-conflicts',
  'dedup-outage',
  'error-budget-burn',
  'rate-limiting',
  'server-errors',
  'signature-spike',
  'wal-disk-pressure',
  'wal-pending',
  'wal-quarantined',
] as const
export type RunbookName = (typeof runbookNames)[number]

const OVERVIEW_UID = 'fractal-lba'

/** Links as HTML; the bare name where there is no place to lead to. */
export class Links {
  readonly #targets: LinkTargets

  constructor(targets: LinkTargets) {
    this.#targets = targets
  }

  /** @param name undefined: nothing needs one */
  runbook(name: RunbookName | undefined): string {
    if (name === undefined) return ''
    const { runbooks } = this.#targets
    return runbooks === undefined ? escapeHtml(name) : link(`${runbooks}/${name}.md`, name)
  }

  trace(traceId: string): string {
    const { traces } = this.#targets
    return traces === undefined ? `trace ${escapeHtml(traceId)}` : link(`${traces}/${traceId}`, 'trace')
  }

  /** @returns undefined where nothing is configured */
  get dashboard(): string | undefined {
    const { dashboards } = this.#targets
    return dashboards && link(`${dashboards}/d/${OVERVIEW_UID}`, 'dashboards')
  }

  /** @returns undefined where nothing is configured */
  get runbooks(): string | undefined {
    const { runbooks } = this.#targets
    return runbooks && link(`${runbooks}/README.md`, 'runbooks')
  }
}

function link(url: string, text: string): string {
  return `<a href="${escapeHtml(url)}">${escapeHtml(text)}</a>`
}
