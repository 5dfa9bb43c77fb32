/** @typedef {import('./defined.mjs').Metric} Metric */

const HEAD = `# Metrics

This page is made from the code by \`npm run generate:metrics\`; the checks of \`npm test\` compare it.

Every process serves its own at \`/metrics\`, in the text format of Prometheus (0.0.4): the gateway at its HTTP port, each
other service 1000 above its gRPC port, the agent at \`METRICS_ADDR\`. Where \`METRICS_USER\` and \`METRICS_PASS\` are set, they
ask for Basic Auth.

- **Which service a series is of** is said by whoever scrapes it: \`service\` is its name (\`gateway\`, \`wal\`, \`verifier\`,
  \`dedup\`, \`signal-scoring\`), \`job\` that name after \`flk-\`, which is all that rules go by, \`instance\` is the process. No metric
  has these labels by itself but \`build_info\`.
- **Labels are of short, fixed lists** that the code makes, or of the configuration. No id, no shard and no path from outside
  is ever one.
- **Exemplars**: the gateway's \`/metrics/exemplars\` has \`flk_submissions_total\` and \`flk_submission_duration_seconds\` once
  more, in the form of OpenMetrics, with the \`trace_id\` of sampled submissions. Scrape it as a job of its own
  (\`flk-gateway-exemplars\`), and let no rule sum over both.
- **Counters begin at 0** when their process starts, and most series are there from the start.
- \`wal_compaction_last_success_timestamp_seconds\` is 0 until the log was compacted for the first time in this life of the
  process: compare with \`process_start_time_seconds\` until then.
`

/**
 * docs/metrics.md: each metric once, where it belongs.
 * @param {import('./defined.mjs').Defined} defined
 * @returns {string}
 */
export function metricsPage(defined) {
  const all = [...defined.values()]
  const services = [...defined].filter(([name]) => name !== 'agent').map(([, metrics]) => metrics)
  const everywhere = common(all)
  const inServices = without(common(services), everywhere)
  const shared = [...everywhere, ...inServices]
  const sections = [
    section('Every process', everywhere),
    section('Gateway and every service', inServices),
    ...[...defined].map(([name, metrics]) => section(name, without(metrics, shared))),
  ]
  return `${[HEAD.trimEnd(), ...sections.filter((text) => text !== undefined)].join('\n\n')}\n`
}

/**
 * @param {readonly (readonly Metric[])[]} lists
 * @returns {readonly Metric[]} what all of them have
 */
function common([first = [], ...others]) {
  return first.filter(({ name }) => others.every((list) => list.some((metric) => metric.name === name)))
}

/**
 * @param {readonly Metric[]} metrics
 * @param {readonly Metric[]} others
 */
function without(metrics, others) {
  return metrics.filter(({ name }) => !others.some((other) => other.name === name))
}

/**
 * @param {string} title
 * @param {readonly Metric[]} metrics
 */
function section(title, metrics) {
  if (metrics.length === 0) return undefined
  const rows = [...metrics]
    .sort((one, other) => (one.name < other.name ? -1 : 1))
    .map(
      ({ name, type, labels, help }) => `| \`${name}\` | ${type} | ${labelsText(labels)} | ${cell(help)} |`,
    )
  return [`## ${title}`, '', '| metric | type | labels | meaning |', '|---|---|---|---|', ...rows].join('\n')
}

/** @param {readonly string[]} labels */
function labelsText(labels) {
  return labels.length === 0 ? '–' : labels.map((label) => `\`${label}\``).join(', ')
}

/** @param {string} text */
function cell(text) {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ')
}
