import type { Env } from '../env.js'

export const samplerNames = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const
export type SamplerName = (typeof samplerNames)[number]

/** Where spans go, and how many of them. */
export interface TelemetryConfig {
  readonly url: string
  readonly protocol: 'http/protobuf' | 'http/json'
  readonly headers: Readonly<Record<string, string>>
  readonly compression: 'none' | 'gzip'
  /** Of one request to the collector. */
  readonly timeoutMs: number
  readonly sampler: SamplerName
  /** Share of the traces that begin here, 0 to 1; of the ratio samplers. */
  readonly ratio: number
  /** Undefined: the name of the program. */
  readonly serviceName: string | undefined
  readonly resource: Readonly<Record<string, string>>
  readonly queue: SpanQueueLimits
}

export interface SpanQueueLimits {
  /** Spans that may wait; more are dropped. */
  readonly spansMax: number
  readonly batchSpansMax: number
  /** The longest that a span waits for a batch to fill. */
  readonly delayMs: number
  /** Of the export of one batch, with all its tries. */
  readonly timeoutMs: number
}

const PATH = '/v1/traces'
const TIMEOUT_MS = { min: 1, max: 600_000 }

/**
 * The standard variables of OpenTelemetry, of which those with TRACES in their name win. Undefined where no spans are
 * wanted: without an endpoint there are none, and the other variables are then not looked at.
 */
export function readTelemetryConfig(env: Env): TelemetryConfig | undefined {
  const isDisabled = env.flag('OTEL_SDK_DISABLED', false)
  const exporter = env.oneOf('OTEL_TRACES_EXPORTER', ['otlp', 'none'], 'otlp')
  const url = readUrl(env)
  if (isDisabled || exporter === 'none' || url === undefined) return undefined
  const protocols = ['http/protobuf', 'http/json'] as const
  const compressions = ['none', 'gzip'] as const
  const protocol = env.oneOf('OTEL_EXPORTER_OTLP_PROTOCOL', protocols, 'http/protobuf')
  const compression = env.oneOf('OTEL_EXPORTER_OTLP_COMPRESSION', compressions, 'none')
  const timeoutMs = env.integer('OTEL_EXPORTER_OTLP_TIMEOUT', 10_000, TIMEOUT_MS)
  const spansMax = env.integer('OTEL_BSP_MAX_QUEUE_SIZE', 2_048, { min: 1, max: 100_000 })
  return {
    url,
    protocol: env.oneOf('OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', protocols, protocol),
    headers: {
      ...readPairs(env, 'OTEL_EXPORTER_OTLP_HEADERS'),
      ...readPairs(env, 'OTEL_EXPORTER_OTLP_TRACES_HEADERS'),
    },
    compression: env.oneOf('OTEL_EXPORTER_OTLP_TRACES_COMPRESSION', compressions, compression),
    timeoutMs: env.integer('OTEL_EXPORTER_OTLP_TRACES_TIMEOUT', timeoutMs, TIMEOUT_MS),
    sampler: env.oneOf('OTEL_TRACES_SAMPLER', samplerNames, 'parentbased_always_on'),
    ratio: env.number('OTEL_TRACES_SAMPLER_ARG', 1, { min: 0, max: 1 }),
    serviceName: env.optional('OTEL_SERVICE_NAME'),
    resource: readPairs(env, 'OTEL_RESOURCE_ATTRIBUTES'),
    queue: {
      spansMax,
      batchSpansMax: env.integer('OTEL_BSP_MAX_EXPORT_BATCH_SIZE', Math.min(512, spansMax), {
        min: 1,
        max: spansMax,
      }),
      delayMs: env.integer('OTEL_BSP_SCHEDULE_DELAY', 5_000, { min: 1, max: 600_000 }),
      timeoutMs: env.integer('OTEL_BSP_EXPORT_TIMEOUT', 30_000, TIMEOUT_MS),
    },
  }
}

function readUrl(env: Env): string | undefined {
  const base = readEndpoint(env, 'OTEL_EXPORTER_OTLP_ENDPOINT')
  const whole = readEndpoint(env, 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT')
  if (whole !== undefined) return whole
  return base === undefined ? undefined : `${base.replace(/\/+$/, '')}${PATH}`
}

function readEndpoint(env: Env, name: string): string | undefined {
  const text = env.optional(name)
  if (text === undefined) return undefined
  if (!/^https?:\/\/[^\s/]/.test(text) || !URL.canParse(text)) {
    env.mistake(`${name} is not a URL with http or https, such as http://127.0.0.1:4318`)
    return undefined
  }
  return text
}

/** `name=value,name=value`; values are percent-encoded where they need it. */
function readPairs(env: Env, name: string): Readonly<Record<string, string>> {
  const pairs: Record<string, string> = {}
  for (const part of env.text(name, '').split(',')) {
    if (part.trim() === '') continue
    const [, key, value] = /^\s*([^=\s]+)\s*=(.*)$/.exec(part) ?? []
    const decoded = decode(value?.trim())
    if (key === undefined || decoded === undefined) {
      env.mistake(`${name} is not name=value, several separated by commas`)
    } else {
      pairs[key] = decoded
    }
  }
  return pairs
}

function decode(text: string | undefined): string | undefined {
  try {
    return text === undefined ? undefined : decodeURIComponent(text)
  } catch {
    // Not valid percent-encoding: the caller says so.
    return undefined
  }
}
