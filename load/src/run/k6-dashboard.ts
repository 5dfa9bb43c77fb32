import type { SeenSecond } from './generated.js'

interface DashboardEvent {
  readonly event: string
  readonly data: unknown
}

const DURATION = 'http_req_duration'
const QUANTILES = ['med', 'p(95)', 'p(99)'] as const

/**
 * The latency of each second from what k6's web dashboard records (`K6_WEB_DASHBOARD_RECORD`): one event a line. A snapshot
 * has the values of all metrics known so far, in the order of their names; those of a trend in the order of `aggregates`.
 */
export function readDashboard(text: string): readonly SeenSecond[] {
  const events = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as DashboardEvent)
  const known = new Set<string>()
  let trend: readonly string[] = []
  let startMs: number | undefined
  const seconds: SeenSecond[] = []
  for (const { event, data } of events) {
    if (event === 'param') trend = (data as { aggregates: { trend: readonly string[] } }).aggregates.trend
    if (event === 'metric') for (const name of Object.keys(data as object)) known.add(name)
    if (event !== 'start' && event !== 'snapshot') continue
    const names = [...known].sort()
    const values = data as readonly (readonly number[])[]
    const atMs = values[names.indexOf('time')]?.[0]
    if (event === 'start') startMs = atMs
    const durations = values[names.indexOf(DURATION)]
    if (event !== 'snapshot' || durations === undefined || atMs === undefined) continue
    const [p50Ms, p95Ms, p99Ms] = QUANTILES.map((name) => durations[trend.indexOf(name)])
    if (p50Ms === undefined || p95Ms === undefined || p99Ms === undefined) continue
    seconds.push({ second: (atMs - (startMs ?? atMs)) / 1_000, p50Ms, p95Ms, p99Ms })
  }
  return seconds
}
