import { stringify } from 'yaml'
import { alertmanagerFile, shownAlone, webhookFromFile } from './config/alertmanager.js'
import { collectorFile } from './config/collector.js'
import { dashboardProvidersFile, datasourcesFile } from './config/grafana.js'
import { blackboxFile, composeScrape, localScrape, prometheusFile, scrapeFile } from './config/prometheus.js'
import { dashboards } from './dashboards/dashboards.js'
import { dashboardText } from './dashboards/grafana-json.js'
import { dashboardUids } from './rules/alert.js'
import { alertFile, type RuleOptions, recordingFile } from './rules/rule-files.js'

const HEADER = '# Made by npm run observability; a change belongs into observability/src.\n'

/** Where a Kubernetes secret with METRICS_USER and METRICS_PASS is mounted. */
const METRICS_AUTH = {
  userFile: '/etc/prometheus/metrics-auth/METRICS_USER',
  passwordFile: '/etc/prometheus/metrics-auth/METRICS_PASS',
}

/** YAML for people: no line is folded. */
export function yamlText(content: object): string {
  return HEADER + stringify(content, { lineWidth: 0 })
}

/** The generated files by their paths below observability/. */
export function generatedFiles(options: RuleOptions): ReadonlyMap<string, string> {
  const local = localScrape()
  const yaml: Readonly<Record<string, object>> = {
    'prometheus/alerts.yml': alertFile(options, 'usual'),
    'prometheus/alerts-optional.yml': alertFile(options, 'optional'),
    'prometheus/recording.yml': recordingFile(options),
    'prometheus/scrape.yml': scrapeFile(local),
    'prometheus/scrape-basic-auth.yml': scrapeFile({ ...local, basicAuth: METRICS_AUTH }),
    'prometheus/blackbox.yml': blackboxFile(),
    'prometheus/prometheus.yml': prometheusFile({
      interval: '15s',
      alertmanager: '127.0.0.1:9093',
      ruleFiles: ['alerts.yml', 'recording.yml'],
      scrapeFiles: ['scrape.yml'],
    }),
    'alertmanager/alertmanager.yml': alertmanagerFile(webhookFromFile),
    'compose/scrape.yml': scrapeFile(composeScrape()),
    'compose/prometheus.yml': prometheusFile({
      interval: '15s',
      alertmanager: 'alertmanager:9093',
      ruleFiles: ['alerts.yml', 'recording.yml'],
      scrapeFiles: ['scrape.yml'],
    }),
    'compose/alertmanager.yml': alertmanagerFile(shownAlone),
    'otel/collector.yml': collectorFile(),
    'grafana/provisioning/datasources/fractal-lba.yml': datasourcesFile(),
    'grafana/provisioning/dashboards/fractal-lba.yml': dashboardProvidersFile(),
  }
  return new Map([
    ...Object.entries(yaml).map(([path, content]) => [path, yamlText(content)] as const),
    ...dashboards.map(
      (dashboard) =>
        [
          `grafana/dashboards/${dashboardUids[dashboard.name]}.json`,
          dashboardText(dashboard, options),
        ] as const,
    ),
  ])
}
