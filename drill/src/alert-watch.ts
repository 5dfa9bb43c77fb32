import { setTimeout as sleep } from 'node:timers/promises'

const POLL_MS = 250

interface ShownAlert {
  readonly labels: Readonly<Record<string, string>>
}

/** Looks at the alerts that fire at an Alertmanager, those that others inhibit too. */
export class AlertWatch {
  readonly #url: string
  readonly #stopping: AbortSignal

  /** @param stopping ends every wait */
  constructor(alertmanagerUrl: string, stopping: AbortSignal) {
    this.#url = `${alertmanagerUrl}/api/v2/alerts`
    this.#stopping = stopping
  }

  /** As "FLKBackendDown page". */
  async firing(): Promise<ReadonlySet<string>> {
    const answer = await fetch(this.#url, { signal: AbortSignal.timeout(5_000) })
    const alerts = (await answer.json()) as readonly ShownAlert[]
    return new Set(alerts.map(({ labels }) => `${labels.alertname} ${labels.severity}`))
  }

  /**
   * Waits until an alert fires, or does so no more.
   * @returns after how many seconds; undefined when that took longer than the limit
   * @throws when the drill is stopped
   */
  async until(alert: string, fires: boolean, limitMs: number): Promise<number | undefined> {
    const beganMs = performance.now()
    while (performance.now() - beganMs < limitMs) {
      if ((await this.firing()).has(alert) === fires) return (performance.now() - beganMs) / 1_000
      await sleep(POLL_MS, undefined, { signal: this.#stopping })
    }
    return undefined
  }
}
