import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { builtGoProgram } from './go-programs.js'
import { observabilityPrograms } from './observability-programs.js'
import { freePort } from './ports.js'
import { type ServerControls, ServerProcess, serverDirectory } from './server-process.js'

/** A real Jaeger that keeps its traces in memory. */
export interface JaegerServer extends ServerControls {
  /** Where it takes spans: OTLP over HTTP. */
  readonly otlpUrl: string
  /** Where it shows them: /api/traces and a page. */
  readonly queryUrl: string
}

export interface JaegerOptions {
  /** Of its API and page; a free one unless it is given. */
  readonly queryPort?: number
  /** Where it takes spans; a free one unless it is given. */
  readonly otlpPort?: number
}

/** @throws Error where the program is not built. */
export async function startJaeger({ queryPort, otlpPort }: JaegerOptions = {}): Promise<JaegerServer> {
  const program = builtGoProgram(observabilityPrograms.jaeger)
  if ('missing' in program) throw new Error(program.missing)
  const [otlp, query] = [otlpPort ?? (await freePort()), queryPort ?? (await freePort())]
  const grpc = await freePort()
  const directory = await serverDirectory('jaeger', undefined)
  const file = join(directory, 'jaeger.json')
  writeFileSync(file, JSON.stringify(configOf({ otlp, query, grpc })))
  const server = await ServerProcess.start(directory, {
    file: program.path,
    args: ['--config', file],
    stopSignal: 'SIGTERM',
    ready: /Everything is ready/,
    user: undefined,
  })
  return {
    ...server.controls,
    otlpUrl: `http://127.0.0.1:${otlp}`,
    queryUrl: `http://127.0.0.1:${query}`,
  }
}

function configOf({ otlp, query, grpc }: Readonly<Record<'otlp' | 'query' | 'grpc', number>>): object {
  const at = (port: number) => ({ endpoint: `127.0.0.1:${port}` })
  return {
    service: {
      extensions: ['jaeger_storage', 'jaeger_query'],
      pipelines: {
        traces: { receivers: ['otlp'], processors: ['batch'], exporters: ['jaeger_storage_exporter'] },
      },
      telemetry: { metrics: { level: 'none' } },
    },
    extensions: {
      jaeger_storage: { backends: { memory: { memory: { max_traces: 100_000 } } } },
      jaeger_query: { storage: { traces: 'memory' }, http: at(query), grpc: at(grpc) },
    },
    receivers: { otlp: { protocols: { http: at(otlp) } } },
    processors: { batch: { timeout: '100ms' } },
    exporters: { jaeger_storage_exporter: { trace_storage: 'memory' } },
  }
}
