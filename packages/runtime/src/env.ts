/**
 * The one place that reads environment variables. A reader collects every mistake; `done()` throws them all
 * at once. A malformed value never falls back to the default. An empty value counts as not set, because Kubernetes
 * and compose set an unset variable to the empty text.
 */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly mistakes: readonly string[]

  constructor(mistakes: readonly string[]) {
    super(mistakes.join('\n'))
    this.mistakes = mistakes
  }
}

/** Limits of a whole number, both inclusive. */
export interface Range {
  readonly min: number
  readonly max: number
}

export interface HostPort {
  readonly host: string
  readonly port: number
}

const DURATION_UNITS_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
const SIZE_UNITS_BYTES = { '': 1, Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40 } as const

export class Env {
  readonly #source: NodeJS.ProcessEnv
  readonly #mistakes: string[] = []
  readonly #asked = new Set<string>()

  constructor(source: NodeJS.ProcessEnv) {
    this.#source = source
  }

  /** Adds a mistake that only the caller can find, such as two variables that exclude each other. */
  mistake(sentence: string): void {
    if (!this.#mistakes.includes(sentence)) this.#mistakes.push(sentence)
  }

  /** Every mistake noted so far. */
  get mistakes(): readonly string[] {
    return this.#mistakes
  }

  /** @throws ConfigError with every mistake noted so far. */
  done(): void {
    if (this.#mistakes.length > 0) throw new ConfigError(this.#mistakes)
  }

  /** The variables that were read so far, set or not. */
  get asked(): ReadonlySet<string> {
    return this.#asked
  }

  optional(name: string): string | undefined {
    this.#asked.add(name)
    const value = this.#source[name]
    return value === undefined || value === '' ? undefined : value
  }

  text(name: string, fallback: string): string {
    return this.optional(name) ?? fallback
  }

  /** A variable without a default; `purpose` completes the sentence "NAME must be set: …". */
  required(name: string, purpose: string): string {
    const value = this.optional(name)
    if (value === undefined) this.mistake(`${name} must be set: ${purpose}`)
    return value ?? ''
  }

  oneOf<T extends string>(name: string, values: readonly T[], fallback: T): T {
    return this.#read(name, fallback, (text) => values.find((value) => value === text), values.join(', '))
  }

  flag(name: string, fallback: boolean): boolean {
    return this.#read(
      name,
      fallback,
      (text) => ({ true: true, '1': true, false: false, '0': false })[text],
      'true or false',
    )
  }

  integer(name: string, fallback: number, { min, max }: Range): number {
    return this.#read(
      name,
      fallback,
      (text) => {
        const value = /^-?\d{1,16}$/.test(text) ? Number(text) : Number.NaN
        return value >= min && value <= max ? value : undefined
      },
      `a whole number from ${min} to ${max}`,
    )
  }

  number(name: string, fallback: number, { min, max }: Range): number {
    return this.#read(
      name,
      fallback,
      (text) => {
        const value = /^-?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text) ? Number(text) : Number.NaN
        return value >= min && value <= max ? value : undefined
      },
      `a number from ${min} to ${max}`,
    )
  }

  /** Milliseconds from a text with a unit: 500ms, 90s, 5m, 336h, 14d. */
  durationMs(name: string, fallbackMs: number, { min, max }: Range): number {
    return this.#read(
      name,
      fallbackMs,
      (text) => {
        const match = /^(\d{1,12})(ms|s|m|h|d)$/.exec(text)
        if (!match) return undefined
        const valueMs = Number(match[1]) * DURATION_UNITS_MS[match[2] as keyof typeof DURATION_UNITS_MS]
        return valueMs >= min && valueMs <= max ? valueMs : undefined
      },
      `a duration with a unit (500ms, 90s, 5m, 336h, 14d) from ${min}ms to ${max}ms`,
    )
  }

  /** Bytes from a whole number with an optional unit: 65536, 64Ki, 512Mi, 50Gi. */
  sizeBytes(name: string, fallbackBytes: number, { min, max }: Range): number {
    return this.#read(
      name,
      fallbackBytes,
      (text) => {
        const match = /^(\d{1,15})(|Ki|Mi|Gi|Ti)$/.exec(text)
        if (!match) return undefined
        const value = Number(match[1]) * SIZE_UNITS_BYTES[match[2] as keyof typeof SIZE_UNITS_BYTES]
        return value >= min && value <= max ? value : undefined
      },
      `a size in bytes (65536, 64Ki, 512Mi, 50Gi) from ${min} to ${max}`,
    )
  }

  /** host:port, an IPv6 host in brackets. */
  address(name: string, fallback: string): string {
    return this.#read(name, fallback, (text) => (parseAddress(text) ? text : undefined), 'host:port')
  }

  /** Several host:port, separated by commas. */
  addresses(name: string, fallback: string): readonly string[] {
    const parse = (text: string): readonly string[] | undefined => {
      const parts = text.split(',').map((part) => part.trim())
      return parts.every((part) => parseAddress(part)) ? parts : undefined
    }
    return this.#read(name, parse(fallback) ?? [], parse, 'host:port, several separated by commas')
  }

  #read<T>(name: string, fallback: T, parse: (text: string) => T | undefined, expected: string): T {
    const text = this.optional(name)
    if (text === undefined) return fallback
    const value = parse(text)
    if (value === undefined) this.mistake(`${name} is not ${expected}`)
    return value ?? fallback
  }
}

export function parseAddress(text: string): HostPort | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:/[\],]+)):(\d{1,5})$/.exec(text)
  const host = match?.[1] ?? match?.[2]
  const port = Number(match?.[3])
  return host !== undefined && port <= 65_535 ? { host, port } : undefined
}
