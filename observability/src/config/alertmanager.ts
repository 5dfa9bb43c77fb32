import { type Severity, severities } from '../rules/alert.js'

/** How soon a person hears of an alert of each severity, and how often again while it lasts. */
const rhythms: Readonly<
  Record<Severity, { readonly wait: string; readonly interval: string; readonly repeat: string }>
> = {
  page: { wait: '10s', interval: '1m', repeat: '1h' },
  critical: { wait: '30s', interval: '5m', repeat: '4h' },
  warning: { wait: '1m', interval: '15m', repeat: '12h' },
  info: { wait: '5m', interval: '1h', repeat: '24h' },
}

export interface AlertmanagerOptions {
  /** The integration that each severity is sent by, in Alertmanager's words. */
  readonly receiver: (severity: Severity) => object
  /** Waits nowhere: for a drill. */
  readonly isQuick?: boolean
}

/** A webhook whose URL lies in a file, as a mounted secret does: /etc/alertmanager/receivers/page. */
export const webhookFromFile: AlertmanagerOptions = {
  receiver: (severity) => ({
    webhook_configs: [{ url_file: `/etc/alertmanager/receivers/${severity}`, send_resolved: true }],
  }),
}

/** Sends nothing anywhere: its page shows what fires. */
export const shownAlone: AlertmanagerOptions = { receiver: () => ({}) }

/** Routes by severity; what a page explains is not told beside it. */
export function alertmanagerFile({ receiver, isQuick = false }: AlertmanagerOptions): object {
  const routes = severities.map((severity) => {
    const { wait, interval, repeat } = rhythms[severity]
    return {
      receiver: severity,
      matchers: [`severity="${severity}"`],
      group_wait: isQuick ? '0s' : wait,
      group_interval: isQuick ? '1s' : interval,
      repeat_interval: isQuick ? '1h' : repeat,
    }
  })
  return {
    route: { receiver: 'warning', group_by: ['alertname', 'job'], routes },
    inhibit_rules: [
      {
        source_matchers: ['alertname="FLKBackendDown"', 'severity="page"'],
        target_matchers: ['severity=~"warning|info"', 'alertname!="FLKBackendDown"'],
      },
      {
        source_matchers: ['alertname="FLKAvailabilityBurn"', 'severity="page"'],
        target_matchers: ['alertname="FLKAvailabilityBurn"', 'severity="warning"'],
      },
    ],
    receivers: severities.map((severity) => ({ name: severity, ...receiver(severity) })),
  }
}
