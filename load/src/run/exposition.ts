/** The series of a Prometheus text: name with its labels as it stands there, and value. */
export class Exposition {
  readonly #values: ReadonlyMap<string, number>

  private constructor(values: ReadonlyMap<string, number>) {
    this.#values = values
  }

  /** Lines that are none of the text format are left out. */
  static parse(text: string): Exposition {
    const values = new Map<string, number>()
    for (const line of text.split('\n')) {
      const blank = line.lastIndexOf(' ')
      if (blank > 0 && !line.startsWith('#')) values.set(line.slice(0, blank), Number(line.slice(blank + 1)))
    }
    return new Exposition(values)
  }

  /** The sum of all series of this name whose labels have this text in them; 0 where there is none. */
  sum(name: string, label = ''): number {
    let sum = 0
    for (const [, value] of this.#of(name, label)) sum += value
    return sum
  }

  /** The sum for each value of a label. */
  by(name: string, label: string): Map<string, number> {
    const sums = new Map<string, number>()
    for (const [series, value] of this.#of(name, '')) {
      const found = labelValue(series, label)
      if (found !== undefined) sums.set(found, (sums.get(found) ?? 0) + value)
    }
    return sums
  }

  *#of(name: string, label: string): Generator<readonly [string, number]> {
    for (const [series, value] of this.#values) {
      const isOfName = series === name || series.startsWith(`${name}{`)
      if (isOfName && series.includes(label)) yield [series, value]
    }
  }
}

function labelValue(series: string, label: string): string | undefined {
  return new RegExp(`[{,]${label}="([^"]*)"`).exec(series)?.[1]
}
