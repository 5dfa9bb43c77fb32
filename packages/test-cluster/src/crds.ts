import { join } from 'node:path'
import { type clusterModules, goModule } from '@fractal-lba/test-servers'

/** The kinds that our chart has objects of, and those that these refer to. Each of the others takes the API server its time. */
export const CRDS = {
  prometheusOperator: {
    directory: 'example/prometheus-operator-crd',
    files: [
      'monitoring.coreos.com_servicemonitors.yaml',
      'monitoring.coreos.com_podmonitors.yaml',
      'monitoring.coreos.com_probes.yaml',
      'monitoring.coreos.com_prometheusrules.yaml',
    ],
  },
  certManager: {
    directory: 'deploy/crds',
    files: [
      'cert-manager.io_certificates.yaml',
      'cert-manager.io_issuers.yaml',
      'cert-manager.io_clusterissuers.yaml',
    ],
  },
  gatewayApi: {
    directory: 'config/crd/standard',
    files: [
      'gateway.networking.k8s.io_gateways.yaml',
      'gateway.networking.k8s.io_httproutes.yaml',
      'gateway.networking.k8s.io_grpcroutes.yaml',
      'gateway.networking.k8s.io_backendtlspolicies.yaml',
    ],
  },
  externalSecrets: {
    directory: 'config/crds/bases',
    files: [
      'external-secrets.io_externalsecrets.yaml',
      'external-secrets.io_secretstores.yaml',
      'external-secrets.io_clustersecretstores.yaml',
    ],
  },
  cloudnativePg: {
    directory: 'config/crd/bases',
    files: ['postgresql.cnpg.io_clusters.yaml', 'postgresql.cnpg.io_scheduledbackups.yaml'],
  },
} as const satisfies Partial<Readonly<Record<keyof typeof clusterModules, Definitions>>>

interface Definitions {
  /** In the operator's module. */
  readonly directory: string
  readonly files: readonly string[]
}

/** Paths of an operator's definitions. @throws Error where its module is not to be had. */
export async function crdFiles(
  module: (typeof clusterModules)[keyof typeof CRDS],
  { directory, files }: Definitions,
): Promise<string[]> {
  const found = await goModule(module)
  if ('missing' in found) throw new Error(found.missing)
  return files.map((name) => join(found.directory, directory, name))
}
