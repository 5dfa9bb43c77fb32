import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { goProgram, loadPrograms } from '@fractal-lba/test-servers'
import type { RunContext } from './accounted.js'
import { runChild } from './child.js'
import { type Gate, type Generated, type GeneratorContext, LoadFailure } from './generated.js'
import { readDashboard } from './k6-dashboard.js'
import type { ProfileName } from './options.js'

/** What `k6 run --summary-export` writes, as far as it is read here. */
interface Summary {
  readonly metrics: Readonly<Record<string, SummaryMetric>>
}

interface SummaryMetric {
  readonly count?: number
  /** Of a counter: a second, over the whole test. */
  readonly rate?: number
  readonly value?: number
  readonly med?: number
  readonly max?: number
  readonly 'p(95)'?: number
  readonly 'p(99)'?: number
  /** true: it was crossed. */
  readonly thresholds?: Readonly<Record<string, boolean>>
}

const GATES_FAILED = 99
const SUBMIT = 'http_req_duration{name:submit}'
const SHOWN_LINES = 20

/** Builds k6 where it is not yet. @throws LoadFailure with what to install. */
export async function k6Program(): Promise<string> {
  const found = await goProgram(loadPrograms.k6)
  if ('path' in found) return found.path
  throw new LoadFailure(`${found.missing}: install Go 1.24 or newer, or run load/*.js with a k6 of your own`)
}

/** Runs a profile of load/. @throws LoadFailure when k6 came to no figures. */
export async function runK6(k6: string, profile: ProfileName, context: RunContext): Promise<Generated> {
  const { root, reportDir, signal } = context
  const [summaryFile, recordFile] = [`${profile}-k6.json`, `${profile}-k6-seconds.json`].map((name) =>
    join(reportDir, name),
  ) as [string, string]
  const args = ['run', '--no-usage-report', '--quiet', '--address=127.0.0.1:0']
  const { code, output } = await runChild(
    k6,
    [...args, '--summary-export', summaryFile, join(root, 'load', `${profile}.js`)],
    {
      ...{ cwd: root, signal, onStart: context.onStart },
      env: environmentOf(context, join(reportDir, `${profile}-k6.html`), recordFile),
    },
  )
  await writeFile(join(reportDir, `${profile}-k6.txt`), output)
  if (code !== 0 && code !== GATES_FAILED) {
    throw new LoadFailure(
      `k6 ended with exit code ${code}:\n${output.trim().split('\n').slice(-SHOWN_LINES).join('\n')}`,
    )
  }
  const summary = JSON.parse(await readFile(summaryFile, 'utf8')) as Summary
  const seen = readDashboard(await readFile(recordFile, 'utf8'))
  return { ...generatedOf(summary), seen, parts: [] }
}

function environmentOf(
  { baseUrl, hmacKey, seconds, scale }: GeneratorContext,
  page: string,
  record: string,
): NodeJS.ProcessEnv {
  return {
    ...process.env,
    ...{ BACKEND_URL: baseUrl, PCS_HMAC_KEY: hmacKey },
    // The command has looked at the target.
    LOAD_TARGET: new URL(baseUrl).hostname,
    ...{ LOAD_SECONDS: seconds === undefined ? '' : `${seconds}`, LOAD_SCALE: `${scale}` },
    ...{ K6_WEB_DASHBOARD: 'true', K6_WEB_DASHBOARD_PORT: '-1', K6_WEB_DASHBOARD_PERIOD: '1s' },
    ...{ K6_WEB_DASHBOARD_EXPORT: page, K6_WEB_DASHBOARD_RECORD: record },
  }
}

export function generatedOf({ metrics }: Summary): Omit<Generated, 'seen' | 'parts'> {
  const submit = metrics[SUBMIT] ?? {}
  const counts = (prefix: string): Record<string, number> =>
    Object.fromEntries(
      Object.entries(metrics)
        .filter(([name]) => name.startsWith(prefix))
        .map(([name, { count = 0 }]) => [name.slice(prefix.length), count]),
    )
  const { none = 0, ...answers } = counts('answers_')
  const { count: iterations = 0, rate = Number.NaN } = metrics.iterations ?? {}
  const share = (name: string): number => metrics[name]?.value ?? 0
  return {
    tool: `k6 ${loadPrograms.k6.version}`,
    sent: { kinds: counts('sent_'), answers, unanswered: none },
    elapsedMs: (1_000 * iterations) / rate,
    latency: {
      ...{ p50Ms: submit.med ?? Number.NaN, p95Ms: submit['p(95)'] ?? Number.NaN },
      ...{ p99Ms: submit['p(99)'] ?? Number.NaN, maxMs: submit.max ?? Number.NaN },
    },
    shares: {
      errors: share('errors'),
      'unexpected signature failures': share('signature_failures'),
      'replayed outcomes': share('dedup_hits'),
    },
    gates: gatesOf(metrics),
  }
}

function gatesOf(metrics: Summary['metrics']): readonly Gate[] {
  return Object.entries(metrics).flatMap(([name, { thresholds = {} }]) =>
    Object.entries(thresholds).map(([limit, isCrossed]) => ({ name, limit, holds: !isCrossed })),
  )
}
