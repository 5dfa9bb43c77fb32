import { describe, expect, it } from 'vitest'
import { Env } from '../env.js'
import { readTelemetryConfig } from './config.js'

const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318/' }

function read(source: NodeJS.ProcessEnv) {
  const env = new Env(source)
  return { config: readTelemetryConfig(env), mistakes: env.mistakes }
}

describe('the configuration of telemetry', () => {
  it.each([
    {},
    { OTEL_TRACES_SAMPLER: 'nonsense' },
    { ...ENDPOINT, OTEL_SDK_DISABLED: 'true' },
    { ...ENDPOINT, OTEL_TRACES_EXPORTER: 'none', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' },
  ])('with %o there are no spans, and the rest is not looked at', (source) => {
    expect(read(source)).toEqual({ config: undefined, mistakes: [] })
  })

  it('has the defaults of the specification', () => {
    expect(read(ENDPOINT).config).toEqual({
      url: 'http://collector:4318/v1/traces',
      protocol: 'http/protobuf',
      headers: {},
      compression: 'none',
      timeoutMs: 10_000,
      sampler: 'parentbased_always_on',
      ratio: 1,
      serviceName: undefined,
      resource: {},
      queue: { spansMax: 2_048, batchSpansMax: 512, delayMs: 5_000, timeoutMs: 30_000 },
    })
  })

  it('takes what is said of traces before what is said of all signals', () => {
    const { config, mistakes } = read({
      ...ENDPOINT,
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://traces:443/in',
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
      OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/json',
      OTEL_EXPORTER_OTLP_HEADERS: 'a=1, b = two%20words',
      OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'a=3',
      OTEL_EXPORTER_OTLP_TIMEOUT: '1000',
      OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: '2000',
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test',
      OTEL_SERVICE_NAME: 'front',
    })
    expect(mistakes).toEqual([])
    expect(config).toMatchObject({
      url: 'https://traces:443/in',
      protocol: 'http/json',
      headers: { a: '3', b: 'two words' },
      timeoutMs: 2_000,
      serviceName: 'front',
      resource: { 'deployment.environment.name': 'test' },
    })
  })

  it.each([
    ['OTEL_EXPORTER_OTLP_PROTOCOL', 'grpc'],
    ['OTEL_TRACES_SAMPLER_ARG', '1.5'],
    ['OTEL_TRACES_SAMPLER', 'jaeger_remote'],
    ['OTEL_RESOURCE_ATTRIBUTES', 'novalue'],
    ['OTEL_EXPORTER_OTLP_HEADERS', 'a=%zz'],
    ['OTEL_BSP_MAX_EXPORT_BATCH_SIZE', '4096'],
    ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'collector:4318'],
  ])('refuses %s=%s', (name, value) => {
    const { mistakes } = read({ ...ENDPOINT, [name]: value })
    expect(mistakes).toHaveLength(1)
    expect(mistakes[0]).toContain(name)
  })
})
