import { parseArgs } from 'node:util'

export const OBSERVE_HELP = `npm run observe           npm start beside a Jaeger, a Prometheus with the alerts, an Alertmanager and a probe of /ready
  --jaeger PORT           of Jaeger's HTTP API (16686)
  --otlp PORT             where the product sends its spans (4318)
  --prometheus PORT       (9090)
  --alertmanager PORT     (9093)
  --blackbox PORT         of the exporter that probes /ready (9115)
  --time-scale N          divides the times in the rules: 60 makes an hour a minute (1)
  --one-process           as npm start has it

The programs are built once by Go, into the cache of the user; that takes ten minutes and more. Every span is kept unless
OTEL_TRACES_SAMPLER says otherwise; PORT, DATA_DIR and all other variables are as at npm start. Ctrl-C ends all of it.
`

export interface ObserveOptions {
  readonly ports: {
    readonly jaeger: number
    readonly otlp: number
    readonly prometheus: number
    readonly alertmanager: number
    readonly blackbox: number
  }
  readonly timeScale: number
  /** For npm start. */
  readonly startArgs: readonly string[]
}

const PORT_MAX = 65_535

/** @throws Error for a command line that cannot be understood */
export function readObserveOptions(args: readonly string[]): ObserveOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      jaeger: { type: 'string', default: '16686' },
      otlp: { type: 'string', default: '4318' },
      prometheus: { type: 'string', default: '9090' },
      alertmanager: { type: 'string', default: '9093' },
      blackbox: { type: 'string', default: '9115' },
      'time-scale': { type: 'string', default: '1' },
      'one-process': { type: 'boolean', default: false },
    },
  })
  const port = (name: 'jaeger' | 'otlp' | 'prometheus' | 'alertmanager' | 'blackbox'): number =>
    numberIn(`--${name}`, values[name], 1, PORT_MAX)
  return {
    ports: {
      jaeger: port('jaeger'),
      otlp: port('otlp'),
      prometheus: port('prometheus'),
      alertmanager: port('alertmanager'),
      blackbox: port('blackbox'),
    },
    timeScale: numberIn('--time-scale', values['time-scale'], 1, 1_000_000),
    startArgs: values['one-process'] ? ['--one-process'] : [],
  }
}

function numberIn(option: string, text: string, least: number, most: number): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || value < least || value > most) {
    throw new Error(`${option} is not a whole number from ${least} to ${most}`)
  }
  return value
}
