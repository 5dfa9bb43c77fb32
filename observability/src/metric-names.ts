const NAME =
  /\b(?:flk|wal|dedup|process|clock|otel|nodejs|agent|rpc|verifier|scoring|http|grpc|log)_[a-z0-9_]+/g
/** Of a histogram's series. */
const SERIES = /_(?:bucket|sum|count)$/
const LABELS = new Set(['rpc_service', 'rpc_method'])

/** The product's metrics that PromQL, or a command over /metrics, asks for. */
export function metricNamesIn(text: string): readonly string[] {
  const names = [...text.matchAll(NAME)].map(([name]) => name.replace(SERIES, ''))
  return [...new Set(names.filter((name) => !LABELS.has(name)))]
}

/** The metrics that docs/metrics.md has. */
export function documentedMetrics(markdown: string): ReadonlySet<string> {
  return new Set([...markdown.matchAll(/^\| `([a-z0-9_]+)` \|/gm)].map(([, name = '']) => name))
}
