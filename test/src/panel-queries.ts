import { dashboards } from '@fractal-lba/observability'
import { until } from './until.js'

const VARIABLE = /\$(\w+)/g
/** What Grafana would put in for a scrape every second. */
const GRAFANA_VARIABLES: Readonly<Record<string, string>> = { __rate_interval: '10s', __range: '5m' }

/** One query, or several of which one has a result at a time. */
export interface PanelQueries {
  readonly title: string
  readonly oneOf: readonly string[]
  readonly hasExemplars: boolean
}

/** What each panel of each dashboard asks Prometheus, as Grafana would. */
export function panelQueries(): readonly PanelQueries[] {
  return dashboards.flatMap(({ name, variables = [], rows }) => {
    const values = { ...GRAFANA_VARIABLES, ...valuesOf(variables) }
    const filled = (expr: string): string =>
      expr.replace(VARIABLE, (_, variable: string) => values[variable] ?? '')
    return rows.flatMap((row) =>
      row.panels.flatMap(({ title, queries, isOneOf }) => {
        const place = `${name}: ${row.title}: ${title}`
        if (isOneOf) {
          return [{ title: place, oneOf: queries.map(({ expr }) => filled(expr)), hasExemplars: false }]
        }
        return queries.map(({ expr, legend, hasExemplars = false }) => ({
          title: `${place}: ${legend}`,
          oneOf: [filled(expr)],
          hasExemplars,
        }))
      }),
    )
  })
}

function valuesOf(variables: readonly { readonly name: string; readonly value: number }[]) {
  return Object.fromEntries(variables.map(({ name, value }) => [name, String(value)]))
}

/** Asks again until there is a number. @throws Error when there is none in time, or the query is wrong. */
export async function untilData(
  prometheusUrl: string,
  { title, oneOf }: PanelQueries,
  limitMs: number,
): Promise<void> {
  await until(`there are data for ${title}`, limitMs, async () => {
    const found = await Promise.all(oneOf.map((expr) => valuesAt(prometheusUrl, expr)))
    return found.flat().some((value) => Number.isFinite(value))
  })
}

/** The values that a query has now. */
export async function valuesAt(prometheusUrl: string, expr: string): Promise<readonly number[]> {
  const { result } = (await ask(prometheusUrl, 'query', { query: expr })) as {
    result: readonly { readonly value: readonly [number, string] }[]
  }
  return result.map(({ value: [, text] }) => Number(text))
}

/** Traces that the exemplars behind a query name. */
export async function exemplarTraces(prometheusUrl: string, expr: string): Promise<readonly string[]> {
  const nowSeconds = Date.now() / 1_000
  const series = (await ask(prometheusUrl, 'query_exemplars', {
    query: expr,
    start: String(nowSeconds - 600),
    end: String(nowSeconds + 60),
  })) as readonly { readonly exemplars: readonly { readonly labels: { readonly trace_id: string } }[] }[]
  return series.flatMap(({ exemplars }) => exemplars.map(({ labels }) => labels.trace_id))
}

async function ask(
  url: string,
  path: string,
  parameters: Readonly<Record<string, string>>,
): Promise<unknown> {
  const answer = await fetch(`${url}/api/v1/${path}?${new URLSearchParams(parameters)}`)
  const { data, error } = (await answer.json()) as { data: unknown; error?: string }
  if (error !== undefined) throw new Error(`${parameters.query}: ${error}`)
  return data
}
