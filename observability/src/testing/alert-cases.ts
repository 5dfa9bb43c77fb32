import type { Alert, Severity } from '../rules/alert.js'
import { PROBE_JOB } from '../rules/jobs.js'
import { DAY } from '../rules/time-scale.js'
import { of } from './healthy-system.js'
import { absent, gauge, growth, type Pattern } from './series.js'

/** What is wrong while an alert is to fire, over the healthy system. */
export interface AlertCase {
  readonly alert: Alert['name']
  readonly severity: Severity
  readonly what: string
  /** Series that go another way meanwhile, or that are there meanwhile only. */
  readonly broken: Readonly<Record<string, Pattern>>
  /** Its windows are days: a step is ten minutes instead of one. */
  readonly isLong?: true
  /** How long it is broken, then healthy. Default 40 each. */
  readonly steps?: number
  /** Of the alert, beside its severity. */
  readonly labels: Readonly<Record<string, string>>
  /** Each value in the description, as it is written there. */
  readonly value: string
  /** The same alert in another severity, which fires meanwhile, and afterwards. */
  readonly beside?: { readonly severity: Severity; readonly value: string; readonly valueAfterwards: string }
}

const wal = { job: 'flk-wal', instance: 'wal:1' }
const dedup = { job: 'flk-dedup', instance: 'dedup:1' }
const verifier = { job: 'flk-verifier', instance: 'verifier:1' }
const ofVerifier = 'job="flk-verifier",instance="verifier:1"'
const errors = `flk_submissions_total{${of.gateway},front="http",code="503"}`
const ingest = `flk_ingest_total{${of.gateway}}`
const hits = `flk_dedup_hits{${of.gateway}}`
const slow = (name: string, labels: string, les: Readonly<Record<string, number>>) =>
  Object.fromEntries(
    Object.entries(les).map(([le, perStep]) => [`${name}_bucket{${labels},le="${le}"}`, growth(perStep)]),
  )

export const alertCases: readonly AlertCase[] = [
  {
    alert: 'FLKAvailabilityBurn',
    severity: 'page',
    what: 'every twentieth submission is answered 503 for an hour',
    broken: { [errors]: growth(300) },
    steps: 90,
    labels: {},
    value: '4.762%',
    beside: { severity: 'warning', value: '4.762%', valueAfterwards: '2.439%' },
  },
  {
    alert: 'FLKAvailabilityBurn',
    severity: 'warning',
    what: '0.4 % are answered 503 for a day',
    broken: { [errors]: growth(24) },
    isLong: true,
    steps: 600,
    labels: {},
    value: '0.3984%',
  },
  {
    alert: 'FLKErrorBudgetBurn',
    severity: 'page',
    what: 'escalations and 503 together are 3 %',
    broken: { [errors]: growth(90), [`flk_escalated{${of.gateway}}`]: growth(90) },
    labels: {},
    value: '3%',
  },
  {
    alert: 'FLKErrorBudgetBurn',
    severity: 'page',
    what: 'nothing is appended any more, and no 503 was ever counted before',
    broken: { [errors]: growth(600), [ingest]: growth(0), [`flk_escalated{${of.gateway}}`]: absent },
    labels: {},
    value: '+Inf%',
  },
  {
    alert: 'FLKHighLatency',
    severity: 'warning',
    what: 'a tenth of the answers takes up to half a second',
    broken: slow('flk_submission_duration_seconds', `${of.gateway},front="http"`, {
      '0.05': 5_000,
      '0.2': 5_400,
    }),
    labels: {},
    value: '350ms',
  },
  {
    alert: 'FLKHighServerErrors',
    severity: 'warning',
    what: 'two submissions a second are answered 503',
    broken: { [errors]: growth(120) },
    labels: {},
    value: '2',
  },
  {
    alert: 'FLKSignatureFailuresSpike',
    severity: 'warning',
    what: 'twenty signatures a second do not verify',
    broken: { [`flk_signature_err{${of.gateway}}`]: growth(1_200) },
    labels: {},
    value: '20',
  },
  {
    alert: 'FLKDedupAnomalyHigh',
    severity: 'info',
    what: '95 % are duplicates',
    broken: { [hits]: growth(5_700) },
    labels: {},
    value: '95%',
  },
  {
    alert: 'FLKDedupAnomalyLow',
    severity: 'info',
    what: '1 % are duplicates',
    broken: { [hits]: growth(60) },
    labels: {},
    value: '1%',
  },
  {
    alert: 'FLKDedupConflicts',
    severity: 'warning',
    what: 'six conflicts a minute',
    broken: { [`flk_dedup_conflicts{${of.gateway}}`]: growth(6) },
    labels: {},
    value: '6',
  },
  {
    alert: 'FLKRateLimitingSurge',
    severity: 'info',
    what: 'an eleventh is answered 429',
    broken: {
      [`flk_rate_limited{${of.gateway}}`]: growth(600),
      [`flk_submissions_total{${of.gateway},front="http",code="429"}`]: growth(600),
    },
    labels: {},
    value: '9.091%',
  },
  {
    alert: 'FLKBackendDown',
    severity: 'page',
    what: 'the only verifier does not answer',
    broken: { [`up{${ofVerifier}}`]: gauge(0) },
    labels: { job: 'flk-verifier' },
    value: '0',
  },
  {
    alert: 'FLKBackendDown',
    severity: 'page',
    what: 'no verifier is found any more',
    broken: { [`up{${ofVerifier}}`]: absent },
    labels: { job: 'flk-verifier' },
    value: '0',
  },
  {
    alert: 'FLKBackendDown',
    severity: 'warning',
    what: 'one of two verifiers does not answer',
    broken: { 'up{job="flk-verifier",instance="verifier:2"}': gauge(0) },
    labels: { job: 'flk-verifier', instance: 'verifier:2' },
    value: '0',
  },
  {
    alert: 'FLKHealthCheckFailing',
    severity: 'critical',
    what: '/ready is a 503',
    broken: { [`probe_success{job="${PROBE_JOB}",instance="http://gateway:1/ready"}`]: gauge(0) },
    labels: { job: PROBE_JOB, instance: 'http://gateway:1/ready' },
    value: '0',
  },
  {
    alert: 'FLKHighCPU',
    severity: 'warning',
    what: 'a verifier takes 54 s of each minute of its one core',
    broken: { [`process_cpu_seconds_total{${ofVerifier}}`]: growth(54) },
    labels: verifier,
    value: '90%',
  },
  {
    alert: 'FLKHighMemory',
    severity: 'warning',
    what: 'a verifier holds 450 of its 500 MB',
    broken: { [`process_resident_memory_bytes{${ofVerifier}}`]: gauge(450e6) },
    labels: verifier,
    value: '90%',
  },
  {
    alert: 'FLKClockOff',
    severity: 'critical',
    what: 'the clock of the log is off',
    broken: { [`clock_trusted{${of.wal}}`]: gauge(0) },
    labels: wal,
    value: '0',
  },
  {
    alert: 'FLKTelemetryDropped',
    severity: 'info',
    what: 'ten spans a minute are dropped',
    broken: { [`otel_spans_dropped_total{${of.gateway}}`]: growth(10) },
    labels: { job: 'flk-gateway' },
    value: '50',
  },
  {
    alert: 'FLKKeyOrCertificateExpiring',
    severity: 'warning',
    what: 'the certificate of the log ends in ten days',
    broken: { [`tls_certificate_not_after_timestamp_seconds{${of.wal},use="internal"}`]: gauge(10 * DAY) },
    isLong: true,
    steps: 6 * 24,
    labels: { ...wal, use: 'internal' },
    value: '9d 0h 0m 0s',
  },
  {
    alert: 'FLKKeyOrCertificateExpiring',
    severity: 'warning',
    what: 'a key that agents sign with ends in ten days',
    broken: { [`verifier_key_not_after_timestamp_seconds{${of.verifier},key="hmac:new"}`]: gauge(10 * DAY) },
    isLong: true,
    steps: 6 * 24,
    labels: { ...verifier, key: 'hmac:new' },
    value: '9d 0h 0m 0s',
  },
  {
    alert: 'FLKWALDiskPressure',
    severity: 'warning',
    what: 'a tenth of the disk is free',
    broken: { [`wal_disk_free_bytes{${of.wal}}`]: gauge(10e9) },
    labels: wal,
    value: '90%',
  },
  {
    alert: 'FLKWALAppendErrors',
    severity: 'critical',
    what: 'one append a minute fails',
    broken: { [`flk_wal_errors{${of.gateway}}`]: growth(1) },
    labels: {},
    value: '5',
  },
  {
    alert: 'FLKWALPendingOld',
    severity: 'warning',
    what: 'a submission is ten minutes old',
    broken: { [`wal_oldest_pending_seconds{${of.wal}}`]: gauge(600) },
    labels: wal,
    value: '10m 0s',
  },
  {
    alert: 'FLKWALCompactionStale',
    severity: 'warning',
    what: 'the last compaction was two days ago',
    broken: { [`wal_compaction_last_success_timestamp_seconds{${of.wal}}`]: gauge(600) },
    isLong: true,
    steps: 48 * 6 + 1,
    labels: wal,
    value: '2d 0h 0m 0s',
  },
  {
    alert: 'FLKWALCompactionStale',
    severity: 'warning',
    what: 'a log that restarts each day has not been compacted for two days',
    broken: { [`wal_compaction_last_success_timestamp_seconds{${of.wal}}`]: gauge(0) },
    isLong: true,
    steps: 48 * 6,
    labels: wal,
    value: '2d 0h 0m 0s',
  },
  {
    alert: 'FLKWALQuarantined',
    severity: 'page',
    what: 'a segment is quarantined',
    broken: { [`wal_quarantined_segments{${of.wal}}`]: gauge(1) },
    labels: wal,
    value: '1',
  },
  {
    alert: 'FLKDeadLetters',
    severity: 'warning',
    what: 'two submissions were set aside',
    broken: { [`wal_dead_letters{${of.wal}}`]: gauge(2) },
    labels: wal,
    value: '2',
  },
  {
    alert: 'FLKWALLimitExceeded',
    severity: 'critical',
    what: 'what must be kept is over the limit',
    broken: { [`wal_limit_exceeded{${of.wal}}`]: gauge(1) },
    labels: wal,
    value: '1',
  },
  {
    alert: 'FLKRedisDown',
    severity: 'critical',
    what: 'Redis cannot be asked',
    broken: { [`dedup_store_up{${of.dedup},backend="redis"}`]: gauge(0) },
    labels: { ...dedup, backend: 'redis' },
    value: '0',
  },
  {
    alert: 'FLKPostgresDown',
    severity: 'critical',
    what: 'Postgres cannot be asked',
    broken: { [`dedup_store_up{${of.dedup},backend="postgres"}`]: gauge(0) },
    labels: { ...dedup, backend: 'postgres' },
    value: '0',
  },
  {
    alert: 'FLKDedupStoreSlowness',
    severity: 'warning',
    what: 'half of the operations take up to half a second',
    broken: slow('dedup_operation_duration_seconds', `${of.dedup},backend="redis",operation="put"`, {
      '0.01': 1_000,
      '0.1': 3_000,
    }),
    labels: { backend: 'redis' },
    value: '460ms',
  },
  {
    alert: 'FLKIntegrityConflict',
    severity: 'page',
    what: 'a process has met a conflict, until it is replaced',
    broken: { [`dedup_integrity_conflicts_total{${of.dedup}}`]: gauge(1) },
    labels: dedup,
    value: '1',
  },
]
