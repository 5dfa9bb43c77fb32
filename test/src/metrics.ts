import type { Client } from './client.js'

/** A Prometheus text, read: every series by its name and labels. */
export class Metrics {
  readonly #series: readonly Series[]

  private constructor(series: readonly Series[]) {
    this.#series = series
  }

  /** @throws Error at a line that is none of the text format. */
  static parse(text: string): Metrics {
    const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
    return new Metrics(lines.map(parseSeries))
  }

  /** The sum of all series of this name that have these labels; 0 where there is none. */
  value(name: string, labels: Readonly<Record<string, string>> = {}): number {
    return this.#series
      .filter((series) => series.name === name)
      .filter((series) => Object.entries(labels).every(([key, value]) => series.labels[key] === value))
      .reduce((sum, series) => sum + series.value, 0)
  }

  has(name: string): boolean {
    return this.#series.some((series) => series.name === name)
  }

  /** How many series there are. */
  get count(): number {
    return this.#series.length
  }

  /** The labels of each series of this name. */
  labelsOf(name: string): readonly Readonly<Record<string, string>>[] {
    return this.#series.filter((series) => series.name === name).map(({ labels }) => labels)
  }

  /** Of all labels of all series, each value once. */
  labelValues(): readonly string[] {
    return [...new Set(this.#series.flatMap(({ labels }) => Object.values(labels)))]
  }

  /** The names of the labels that the series of this name have. */
  labelNames(name: string): readonly string[] {
    const names = this.#series
      .filter((series) => series.name === name)
      .flatMap(({ labels }) => Object.keys(labels))
    return [...new Set(names)].sort()
  }
}

interface Series {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

function parseSeries(line: string): Series {
  const match = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)( \d+)?$/.exec(line)
  if (!match) throw new Error(`not a line of the Prometheus text format: ${line}`)
  const [, name = '', labelText = '', value = ''] = match
  const pairs = [...labelText.matchAll(/([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"/g)]
  const labels = Object.fromEntries(pairs.map(([, key = '', text = '']) => [key, text]))
  return { name, labels, value: Number(value) }
}

export async function metricsOf(client: Client): Promise<Metrics> {
  const { status, body } = await client.get('/metrics')
  if (status !== 200) throw new Error(`/metrics answered ${status}`)
  return Metrics.parse(body.toString('utf8'))
}
