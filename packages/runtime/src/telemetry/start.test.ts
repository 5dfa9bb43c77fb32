import { execFile } from 'node:child_process'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

const BUILT = fileURLToPath(new URL('../../dist/index.js', import.meta.url))

/** The packages of OpenTelemetry that a process has loaded after its telemetry has started with this environment. */
async function loadedWith(env: Record<string, string>): Promise<readonly string[]> {
  const program = `
    import { createRequire } from 'node:module'
    const { Env, createLogger, createRegistry, readCommonConfig, startTelemetry } = await import(${JSON.stringify(pathToFileURL(BUILT).href)})
    const { telemetry } = readCommonConfig(new Env(process.env))
    const started = await startTelemetry('gateway', telemetry, { registry: createRegistry(), logger: createLogger('gateway', 'fatal') })
    const files = Object.keys(createRequire(${JSON.stringify(BUILT)}).cache)
    const names = files.flatMap((file) => /@opentelemetry\\/[^/]+/.exec(file) ?? [])
    console.log(JSON.stringify([...new Set(names)]))
    await started.stop()
    process.exit()
  `
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], {
    env,
  })
  return JSON.parse(stdout) as string[]
}

describe('telemetry', () => {
  it('loads nothing of OpenTelemetry where no spans are wanted', async () => {
    // prom-client, for its exemplars, loads the API: types and constants.
    expect(await loadedWith({})).toEqual(['@opentelemetry/api'])
  })

  it('loads one exporter alone where they are', async () => {
    const loaded = await loadedWith({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' })
    expect(loaded).toContain('@opentelemetry/exporter-trace-otlp-proto')
    expect(loaded).not.toContain('@opentelemetry/exporter-trace-otlp-http')
    expect(loaded.filter((name) => /instrumentation|context-async/.test(name))).toEqual([])
  })
})
