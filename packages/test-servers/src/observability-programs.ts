import type { GoProgram } from './go-programs.js'

const PROMETHEUS = { module: 'github.com/prometheus/prometheus', version: 'v0.313.0' }
const ALERTMANAGER = { module: 'github.com/prometheus/alertmanager', version: 'v0.28.1' }

/** What traces, rules and alerts are tried with. Prometheus 3 has the versions of its Go module, v0.3xx. */
export const observabilityPrograms = {
  jaeger: {
    name: 'jaeger',
    goPackage: 'github.com/jaegertracing/jaeger/cmd/jaeger',
    module: 'github.com/jaegertracing/jaeger',
    version: 'v1.76.0',
  },
  prometheus: { name: 'prometheus', goPackage: `${PROMETHEUS.module}/cmd/prometheus`, ...PROMETHEUS },
  promtool: { name: 'promtool', goPackage: `${PROMETHEUS.module}/cmd/promtool`, ...PROMETHEUS },
  alertmanager: {
    name: 'alertmanager',
    goPackage: `${ALERTMANAGER.module}/cmd/alertmanager`,
    ...ALERTMANAGER,
  },
  amtool: { name: 'amtool', goPackage: `${ALERTMANAGER.module}/cmd/amtool`, ...ALERTMANAGER },
  pint: {
    name: 'pint',
    goPackage: 'github.com/cloudflare/pint/cmd/pint',
    module: 'github.com/cloudflare/pint',
    version: 'v0.87.0',
  },
  blackboxExporter: {
    name: 'blackbox_exporter',
    goPackage: 'github.com/prometheus/blackbox_exporter',
    module: 'github.com/prometheus/blackbox_exporter',
    version: 'v0.27.0',
  },
} as const satisfies Record<string, GoProgram>
