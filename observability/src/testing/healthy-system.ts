import { serviceNames } from '@fractal-lba/runtime'
import { jobOf, PROBE_JOB } from '../rules/jobs.js'
import { DAY } from '../rules/time-scale.js'
import { gauge, growth, now, type Pattern } from './series.js'

/** Labels of a service's only instance. */
export function instanceLabels(name: string): string {
  return `job="flk-${name}",instance="${name}:1"`
}

export const of = {
  gateway: instanceLabels('gateway'),
  wal: instanceLabels('wal'),
  dedup: instanceLabels('dedup'),
  verifier: instanceLabels('verifier'),
}

const everywhere: readonly (readonly [string, Pattern])[] = serviceNames.flatMap((name) => {
  const labels = `job="${jobOf(name)}",instance="${name}:1"`
  return [
    [`up{${labels}}`, gauge(1)],
    [`process_cpu_seconds_total{${labels}}`, growth(12)],
    [`process_cpu_limit_cores{${labels}}`, gauge(1)],
    [`process_resident_memory_bytes{${labels}}`, gauge(100e6)],
    [`process_memory_limit_bytes{${labels}}`, gauge(500e6)],
    [`clock_trusted{${labels}}`, gauge(1)],
    [`otel_spans_dropped_total{${labels}}`, growth(0)],
    [`tls_certificate_not_after_timestamp_seconds{${labels},use="internal"}`, gauge(90 * DAY)],
  ] as const
})

function histogram(name: string, labels: string, counts: Readonly<Record<string, number>>) {
  return Object.entries(counts).map(
    ([le, perStep]) => [`${name}_bucket{${labels},le="${le}"}`, growth(perStep)] as const,
  )
}

/** Every series that an alert looks at, over a system in good health with 100 records a second, a sample a minute. */
export const healthySystem: Readonly<Record<string, Pattern>> = Object.fromEntries([
  ...everywhere,
  [`probe_success{job="${PROBE_JOB}",instance="http://gateway:1/ready"}`, gauge(1)],
  [`flk_ingest_total{${of.gateway}}`, growth(6_000)],
  [`flk_dedup_hits{${of.gateway}}`, growth(1_200)],
  [`flk_accepted{${of.gateway}}`, growth(4_790)],
  [`flk_escalated{${of.gateway}}`, growth(6)],
  [`flk_signature_err{${of.gateway}}`, growth(4)],
  [`flk_wal_errors{${of.gateway}}`, growth(0)],
  [`flk_dedup_conflicts{${of.gateway}}`, growth(0)],
  [`flk_rate_limited{${of.gateway}}`, growth(0)],
  [`flk_submissions_total{${of.gateway},front="http",code="200"}`, growth(5_990)],
  [`flk_submissions_total{${of.gateway},front="http",code="202"}`, growth(6)],
  [`flk_submissions_total{${of.gateway},front="http",code="401"}`, growth(4)],
  [`flk_submissions_total{${of.gateway},front="http",code="503"}`, growth(0)],
  ...histogram('flk_submission_duration_seconds', `${of.gateway},front="http"`, {
    '0.05': 5_900,
    '0.2': 5_990,
    '0.5': 6_000,
    '+Inf': 6_000,
  }),
  [`wal_disk_free_bytes{${of.wal}}`, gauge(80e9)],
  [`wal_disk_size_bytes{${of.wal}}`, gauge(100e9)],
  [`wal_oldest_pending_seconds{${of.wal}}`, gauge(1)],
  [`wal_compaction_last_success_timestamp_seconds{${of.wal}}`, now],
  [`wal_quarantined_segments{${of.wal}}`, gauge(0)],
  [`wal_dead_letters{${of.wal}}`, gauge(0)],
  [`wal_limit_exceeded{${of.wal}}`, gauge(0)],
  // One in use that lasts, and the one before it, which ends and is used no more.
  [`verifier_key_not_after_timestamp_seconds{${of.verifier},key="hmac:new"}`, gauge(90 * DAY)],
  [`verifier_key_last_used_timestamp_seconds{${of.verifier},key="hmac:new"}`, now],
  [`verifier_key_not_after_timestamp_seconds{${of.verifier},key="hmac:old"}`, gauge(3 * DAY)],
  [`verifier_key_last_used_timestamp_seconds{${of.verifier},key="hmac:old"}`, gauge(-2 * DAY)],
  [`dedup_store_up{${of.dedup},backend="redis"}`, gauge(1)],
  [`dedup_store_up{${of.dedup},backend="postgres"}`, gauge(1)],
  [`dedup_integrity_conflicts_total{${of.dedup}}`, growth(0)],
  ...histogram('dedup_operation_duration_seconds', `${of.dedup},backend="redis",operation="put"`, {
    '0.01': 5_990,
    '0.1': 6_000,
    '0.5': 6_000,
    '+Inf': 6_000,
  }),
])
