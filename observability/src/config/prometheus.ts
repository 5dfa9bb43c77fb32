import { localOpsAddress, opsPort, PORT_DEFAULT, type ServiceName, serviceNames } from '@fractal-lba/runtime'
import { EXEMPLARS_JOB, jobOf, PROBE_JOB } from '../rules/jobs.js'

/** Where everything is that Prometheus asks, and that asks it. */
export interface ScrapeOptions {
  /** host:port of the processes of each service that serve /metrics. */
  readonly targets: Readonly<Record<ServiceName | 'agent', readonly string[]>>
  /** URLs whose answer says whether a gateway is ready. */
  readonly probed: readonly string[]
  /** host:port of the blackbox exporter. */
  readonly blackbox: string
  /** Files that hold METRICS_USER and METRICS_PASS, where /metrics asks for them. */
  readonly basicAuth: { readonly userFile: string; readonly passwordFile: string } | undefined
}

const BLACKBOX_LOCAL = '127.0.0.1:9115'
const AGENT_LOCAL = '127.0.0.1:9086'

/** The processes of `npm start`. */
export function localScrape(base: number = PORT_DEFAULT, blackbox: string = BLACKBOX_LOCAL): ScrapeOptions {
  const targets = Object.fromEntries(serviceNames.map((name) => [name, [localOpsAddress(name, base)]]))
  return {
    targets: { ...(targets as Record<ServiceName, string[]>), agent: [AGENT_LOCAL] },
    probed: [`http://${localOpsAddress('gateway', base)}/ready`],
    blackbox,
    basicAuth: undefined,
  }
}

/** The containers of compose.full.yaml, by the names that they have there. */
export function composeScrape(): ScrapeOptions {
  const at = (name: ServiceName, port: number): readonly string[] => [`${name}:${port}`]
  const targets = Object.fromEntries(
    serviceNames.map((name) => [name, at(name, opsPort(name, PORT_DEFAULT))]),
  )
  return {
    targets: { ...(targets as Record<ServiceName, readonly string[]>), agent: ['agent:9086'] },
    probed: [`http://gateway:${PORT_DEFAULT}/ready`],
    blackbox: 'blackbox:9115',
    basicAuth: undefined,
  }
}

/** The jobs, in the form of a file that `scrape_config_files` names. */
export function scrapeFile({ targets, probed, blackbox, basicAuth }: ScrapeOptions): object {
  const auth = basicAuth && {
    basic_auth: { username_file: basicAuth.userFile, password_file: basicAuth.passwordFile },
  }
  const jobs = Object.entries(targets).map(([name, addresses]) => ({
    job_name: jobOf(name as ServiceName | 'agent'),
    ...auth,
    static_configs: [{ targets: addresses, labels: { service: name } }],
  }))
  const exemplars = {
    job_name: EXEMPLARS_JOB,
    metrics_path: '/metrics/exemplars',
    ...auth,
    static_configs: [{ targets: targets.gateway, labels: { service: 'gateway' } }],
  }
  const probe = {
    job_name: PROBE_JOB,
    metrics_path: '/probe',
    params: { module: ['ready'] },
    static_configs: [{ targets: probed }],
    relabel_configs: [
      { source_labels: ['__address__'], target_label: '__param_target' },
      { source_labels: ['__param_target'], target_label: 'instance' },
      { target_label: '__address__', replacement: blackbox },
    ],
  }
  return { scrape_configs: [...jobs, exemplars, probe] }
}

/** A whole configuration of Prometheus over the files beside it. */
export function prometheusFile(options: {
  /** Of scrapes and of rules. */
  readonly interval: string
  readonly alertmanager: string
  readonly ruleFiles: readonly string[]
  readonly scrapeFiles: readonly string[]
}): object {
  return {
    global: { scrape_interval: options.interval, evaluation_interval: options.interval },
    rule_files: options.ruleFiles,
    scrape_config_files: options.scrapeFiles,
    alerting: { alertmanagers: [{ static_configs: [{ targets: [options.alertmanager] }] }] },
    storage: { exemplars: { max_exemplars: 100_000 } },
  }
}

/** /ready is 200 while submissions are taken, degraded too. */
export function blackboxFile(): object {
  return {
    modules: {
      ready: {
        prober: 'http',
        timeout: '5s',
        http: { valid_status_codes: [200], follow_redirects: false, preferred_ip_protocol: 'ip4' },
      },
    },
  }
}
