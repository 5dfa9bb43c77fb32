import type { GoModule, GoProgram } from './go-programs.js'

const KUBERNETES = { module: 'k8s.io/kubernetes', version: 'v1.36.3' }
const ETCD = 'go.etcd.io/etcd/server/v3'
const KWOK = { module: 'sigs.k8s.io/kwok', version: 'v0.8.0' }

/** A control plane, kubectl, and kwok, which plays the nodes and their pods. */
export const clusterPrograms = {
  etcd: { name: 'etcd', goPackage: ETCD, module: ETCD, version: 'v3.6.14' },
  kubeApiserver: kubernetes('kube-apiserver'),
  kubeControllerManager: kubernetes('kube-controller-manager'),
  kubeScheduler: kubernetes('kube-scheduler'),
  kubectl: kubernetes('kubectl'),
  kwok: { name: 'kwok', goPackage: 'sigs.k8s.io/kwok/cmd/kwok', version: KWOK.version },
} as const satisfies Record<string, GoProgram>

/** Modules whose files are wanted: kwok's stages, and the CRDs that the chart's objects are of. */
export const clusterModules = {
  kwok: KWOK,
  prometheusOperator: { module: 'github.com/prometheus-operator/prometheus-operator', version: 'v0.85.0' },
  certManager: { module: 'github.com/cert-manager/cert-manager', version: 'v1.21.2' },
  gatewayApi: { module: 'sigs.k8s.io/gateway-api', version: 'v1.6.1' },
  externalSecrets: { module: 'github.com/external-secrets/external-secrets', version: 'v1.3.2' },
  cloudnativePg: { module: 'github.com/cloudnative-pg/cloudnative-pg', version: 'v1.28.0' },
} as const satisfies Record<string, GoModule>

/** A program of k8s.io/kubernetes, whose parts are modules of their own under v0.x.y. */
function kubernetes<Name extends string>(name: Name) {
  const { module, version } = KUBERNETES
  const [, minor] = version.split('.')
  const build = 'k8s.io/component-base/version'
  return {
    name,
    goPackage: `${module}/cmd/${name}`,
    ...KUBERNETES,
    directoriesVersion: version.replace(/^v1/, 'v0'),
    linked: {
      [`${build}.gitVersion`]: version,
      [`${build}.gitMajor`]: '1',
      [`${build}.gitMinor`]: String(minor),
    },
  }
}
