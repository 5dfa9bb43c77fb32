import type { Query } from './dashboard.js'

const QUANTILES = [0.5, 0.95, 0.99]

export const rate = (series: string): string => `rate(${series}[$__rate_interval])`
export const sumRate = (series: string, by?: string): string =>
  `sum${by === undefined ? '' : ` by (${by})`} (${rate(series)})`

/** @param buckets the series of a histogram's buckets, with selectors */
export function quantile(share: number, buckets: string, by?: string): string {
  return `histogram_quantile(${share}, ${sumRate(buckets, by === undefined ? 'le' : `le, ${by}`)})`
}

/** p50, p95 and p99 of a histogram. */
export function quantiles(buckets: string, by?: string): readonly Query[] {
  const of = by === undefined ? '' : ` {{${by.replace(', ', '}} {{')}}}`
  return QUANTILES.map((share) => ({ expr: quantile(share, buckets, by), legend: `p${share * 100}${of}` }))
}

/** The mean of what a histogram has observed. */
export function mean(histogram: string, selector: string, by: string): string {
  return `${sumRate(`${histogram}_sum{${selector}}`, by)} / ${sumRate(`${histogram}_count{${selector}}`, by)}`
}

/**
 * A rate by labels, and a line at 0 under the code `none` while nothing was counted yet: a panel without data could
 * also be one that is broken.
 * @param by labels, `code` among them
 */
export function errorsBy(by: string, series: string): string {
  return `${sumRate(series, by)} or label_replace(vector(0), "code", "none", "", "")`
}
