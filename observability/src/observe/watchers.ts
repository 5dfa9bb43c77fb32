import {
  type HttpServer,
  startAlertmanager,
  startBlackboxExporter,
  startPrometheus,
} from '@fractal-lba/test-servers'
import { type AlertmanagerOptions, alertmanagerFile } from '../config/alertmanager.js'
import { blackboxFile, prometheusFile, type ScrapeOptions, scrapeFile } from '../config/prometheus.js'
import { yamlText } from '../files.js'
import { alertFile, type RuleOptions, recordingFile } from '../rules/rule-files.js'

export interface WatcherOptions {
  readonly rules: RuleOptions
  /** Where everything is but the blackbox exporter, which is started here. */
  readonly scrape: Omit<ScrapeOptions, 'blackbox'>
  /** Of scrapes and rules. */
  readonly interval: string
  readonly alertmanager: AlertmanagerOptions
  /** Alerts that suit some fleets only, too. */
  readonly withOptional?: boolean
  /** Free ones where they are not given. */
  readonly ports?: {
    readonly prometheus?: number
    readonly alertmanager?: number
    readonly blackbox?: number
  }
}

/** Prometheus with the rules, an Alertmanager that it tells, and a probe of /ready. */
export interface Watchers {
  readonly prometheus: HttpServer
  readonly alertmanager: HttpServer
  readonly blackbox: HttpServer
  close(): Promise<void>
}

/** @throws Error where one of the programs is missing or does not start; nothing is left running then. */
export async function startWatchers(options: WatcherOptions): Promise<Watchers> {
  const { rules, ports = {} } = options
  const started: HttpServer[] = []
  const close = async (): Promise<void> => {
    await Promise.all(started.map((server) => server.close()))
  }
  const add = async (server: Promise<HttpServer>): Promise<HttpServer> => {
    started.push(await server)
    return server
  }
  try {
    const blackbox = await add(
      startBlackboxExporter({
        ...given(ports.blackbox),
        files: { 'blackbox.yml': yamlText(blackboxFile()) },
      }),
    )
    const alertmanager = await add(
      startAlertmanager({
        ...given(ports.alertmanager),
        files: { 'alertmanager.yml': yamlText(alertmanagerFile(options.alertmanager)) },
      }),
    )
    const ruleFiles = {
      'alerts.yml': alertFile(rules, 'usual'),
      'recording.yml': recordingFile(rules),
      ...(options.withOptional ? { 'alerts-optional.yml': alertFile(rules, 'optional') } : {}),
    }
    const files = {
      ...ruleFiles,
      'scrape.yml': scrapeFile({ ...options.scrape, blackbox: new URL(blackbox.url).host }),
      'prometheus.yml': prometheusFile({
        interval: options.interval,
        alertmanager: new URL(alertmanager.url).host,
        ruleFiles: Object.keys(ruleFiles),
        scrapeFiles: ['scrape.yml'],
      }),
    }
    const texts = Object.entries(files).map(([path, content]) => [path, yamlText(content)])
    const prometheus = await add(
      startPrometheus({ ...given(ports.prometheus), files: Object.fromEntries(texts) }),
    )
    return { prometheus, alertmanager, blackbox, close }
  } catch (error) {
    await close()
    throw error
  }
}

function given(port: number | undefined): { readonly port?: number } {
  return port === undefined ? {} : { port }
}
