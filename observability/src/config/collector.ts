/** An OpenTelemetry collector between the product and Jaeger: takes OTLP, gathers, passes on. */
export function collectorFile(): object {
  return {
    receivers: {
      otlp: { protocols: { grpc: { endpoint: '0.0.0.0:4317' }, http: { endpoint: '0.0.0.0:4318' } } },
    },
    processors: {
      memory_limiter: { check_interval: '1s', limit_mib: 400 },
      batch: { timeout: '1s', send_batch_size: 512 },
    },
    exporters: { 'otlp/jaeger': { endpoint: 'jaeger:4317', tls: { insecure: true } } },
    service: {
      pipelines: {
        traces: { receivers: ['otlp'], processors: ['memory_limiter', 'batch'], exporters: ['otlp/jaeger'] },
      },
    },
  }
}
