import { serviceNames } from '@fractal-lba/runtime'
import type { Alert, AlertGroup } from './alert.js'
import { jobOf, PROBE_JOB, SERVICE_JOBS } from './jobs.js'
import { DAY, HOUR, MINUTE } from './time-scale.js'

const NONE_UP = `sum by (job) (up{${SERVICE_JOBS}}) == 0`

const EXPIRING_SECONDS = 14 * DAY

const alerts: readonly Alert[] = [
  {
    name: 'FLKBackendDown',
    severity: 'page',
    // A job that nothing is found for any more has no `up` at all.
    expr: () =>
      [`(${NONE_UP})`, ...serviceNames.map((name) => `0 * absent(up{job="${jobOf(name)}"})`)].join('\nor\n'),
    forSeconds: MINUTE,
    summary: 'A service is down',
    description: '{{ $value }} instances of {{ $labels.job }} answer a scrape.',
    runbook: 'backend-down',
    dashboard: 'pipeline',
  },
  {
    name: 'FLKBackendDown',
    severity: 'warning',
    expr: () => `up{${SERVICE_JOBS}} == 0
unless on (job)
(${NONE_UP})`,
    forSeconds: MINUTE,
    summary: 'One instance of a service is down',
    description:
      '{{ $labels.instance }} of {{ $labels.job }} does not answer a scrape (up is {{ $value }}); others do.',
    runbook: 'backend-down',
    dashboard: 'pipeline',
  },
  {
    name: 'FLKHealthCheckFailing',
    severity: 'critical',
    expr: () => `probe_success{job="${PROBE_JOB}"} == 0`,
    forSeconds: 3 * MINUTE,
    summary: 'A gateway is not ready',
    description: 'The probe of {{ $labels.instance }} fails (probe_success is {{ $value }}).',
    runbook: 'health-check-failing',
    dashboard: 'overview',
  },
  {
    name: 'FLKHighCPU',
    severity: 'warning',
    expr: (time) =>
      `rate(process_cpu_seconds_total{${SERVICE_JOBS}}[${time.window(5 * MINUTE)}]) / process_cpu_limit_cores > 0.8`,
    forSeconds: 10 * MINUTE,
    summary: 'A process uses most of its CPU',
    description:
      '{{ $labels.instance }} of {{ $labels.job }} uses {{ $value | humanizePercentage }} of the CPU that it may use.',
    runbook: 'cpu-pressure',
    dashboard: 'pipeline',
  },
  {
    name: 'FLKHighMemory',
    severity: 'warning',
    expr: () => `process_resident_memory_bytes{${SERVICE_JOBS}} / process_memory_limit_bytes > 0.85`,
    forSeconds: 10 * MINUTE,
    summary: 'A process uses most of its memory',
    description:
      '{{ $labels.instance }} of {{ $labels.job }} uses {{ $value | humanizePercentage }} of the memory that it may use.',
    runbook: 'memory-pressure',
    dashboard: 'pipeline',
  },
  {
    name: 'FLKClockOff',
    severity: 'critical',
    expr: () => `clock_trusted{${SERVICE_JOBS}} == 0`,
    forSeconds: 5 * MINUTE,
    summary: 'A clock is not trusted: nothing expires',
    description:
      'The clock of {{ $labels.instance }} of {{ $labels.job }} is off or unconfirmed (clock_trusted is {{ $value }}).',
    runbook: 'clock-off',
    dashboard: 'pipeline',
  },
  {
    name: 'FLKTelemetryDropped',
    severity: 'info',
    expr: (time) =>
      `sum by (job) (increase(otel_spans_dropped_total{${SERVICE_JOBS}}[${time.window(5 * MINUTE)}])) > 0`,
    forSeconds: 15 * MINUTE,
    summary: 'Spans are lost',
    description: '{{ $labels.job }} has dropped {{ $value | humanize }} spans in five minutes.',
    runbook: 'telemetry-dropped',
    dashboard: 'pipeline',
  },
  {
    name: 'FLKKeyOrCertificateExpiring',
    severity: 'warning',
    // A key that nobody signs with any more may end: that is how a rotation is over.
    expr: (time) => {
      const soon = time.age(EXPIRING_SECONDS)
      return `(tls_certificate_not_after_timestamp_seconds{${SERVICE_JOBS}} - time() < ${soon})
or
(
  verifier_key_not_after_timestamp_seconds{job="${jobOf('verifier')}"} - time() < ${soon}
  and on (job, instance, key)
  time() - verifier_key_last_used_timestamp_seconds{job="${jobOf('verifier')}"} < ${time.age(DAY)}
)`
    },
    forSeconds: HOUR,
    summary: 'A certificate, or a key that is in use, ends soon',
    description:
      'What {{ $labels.instance }} of {{ $labels.job }} has as {{ $labels.use }}{{ $labels.key }} ends in {{ $value | humanizeDuration }}.',
    runbook: 'key-or-certificate-expiring',
    dashboard: 'agents',
  },
]

export const processAlerts: AlertGroup = { name: 'flk-processes', alerts }
