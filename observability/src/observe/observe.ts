import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { runStart, type StartContext } from '@fractal-lba/local'
import { PORT_DEFAULT } from '@fractal-lba/runtime'
import {
  goProgram,
  type JaegerOptions,
  type JaegerServer,
  observabilityPrograms,
  startJaeger,
} from '@fractal-lba/test-servers'
import { localScrape } from '../config/prometheus.js'
import { defaultRuleOptions } from '../rules/rule-files.js'
import { TimeScale } from '../rules/time-scale.js'
import { type ObserveOptions, readObserveOptions } from './options.js'
import { startWatchers, type Watchers } from './watchers.js'

const INTERVAL = '5s'

/**
 * `npm run observe`: what watches is started first, and ends last.
 * @returns the exit code of `npm start`
 * @throws Error for a command line that cannot be understood
 */
export async function runObserve(context: StartContext): Promise<number> {
  const options = readObserveOptions(context.args)
  const base = Number(context.env.PORT || PORT_DEFAULT)
  const say = (line: string): void => context.out(`${line}\n`)
  const watching = await startAll(context.root, base, options, say)
  try {
    for (const line of addresses(watching)) say(line)
    return await runStart({
      ...context,
      args: options.startArgs,
      env: { ...tracing(watching.jaeger), ...context.env },
    })
  } finally {
    await watching.close()
    say('nothing watches any more')
  }
}

interface Watching {
  readonly jaeger: JaegerServer | undefined
  readonly watchers: Watchers | undefined
  close(): Promise<void>
}

/** What cannot be had is left out, and said. */
async function startAll(
  root: string,
  base: number,
  { ports, timeScale }: ObserveOptions,
  say: (line: string) => void,
): Promise<Watching> {
  const orSaid = async <T>(what: string, starting: Promise<T>): Promise<T | undefined> =>
    starting.catch((error: unknown) => {
      say(`without ${what}: ${error instanceof Error ? error.message : String(error)}`)
      return undefined
    })
  const jaeger = await orSaid('Jaeger', startBuiltJaeger({ queryPort: ports.jaeger, otlpPort: ports.otlp }))
  const watchers = await orSaid(
    'Prometheus and Alertmanager',
    startWatchers({
      rules: {
        ...defaultRuleOptions,
        runbookBaseUrl: pathToFileURL(join(root, 'docs/runbooks')).href,
        time: new TimeScale(timeScale),
      },
      scrape: localScrape(base),
      interval: INTERVAL,
      // Nobody is told: what fires is to be seen at Alertmanager.
      alertmanager: { receiver: () => ({}) },
      ports,
    }),
  )
  const close = async (): Promise<void> => {
    await Promise.all([jaeger?.close(), watchers?.close()])
  }
  return { jaeger, watchers, close }
}

async function startBuiltJaeger(options: JaegerOptions): Promise<JaegerServer> {
  const found = await goProgram(observabilityPrograms.jaeger)
  if ('missing' in found) throw new Error(found.missing)
  return startJaeger(options)
}

/** What OTEL_… variables of the environment say comes before this. */
function tracing(jaeger: JaegerServer | undefined): NodeJS.ProcessEnv {
  if (!jaeger) return {}
  return {
    OTEL_EXPORTER_OTLP_ENDPOINT: jaeger.otlpUrl,
    OTEL_TRACES_SAMPLER: 'parentbased_always_on',
    // For the page at /. A Jaeger that was built from source has a placeholder for its own page.
    TRACE_BASE_URL: `${jaeger.queryUrl}/api/traces`,
  }
}

function addresses({ jaeger, watchers }: Watching): readonly string[] {
  return [
    ...(jaeger
      ? [
          `traces        ${jaeger.queryUrl}/api/traces?service=gateway (Jaeger; takes spans at ${jaeger.otlpUrl})`,
        ]
      : []),
    ...(watchers
      ? [
          `metrics       ${watchers.prometheus.url}/api/v1/query?query=up (Prometheus)`,
          `alerts        ${watchers.prometheus.url}/api/v1/alerts, ${watchers.alertmanager.url} (Alertmanager)`,
          `probe         ${watchers.blackbox.url} (blackbox exporter)`,
        ]
      : []),
  ]
}
