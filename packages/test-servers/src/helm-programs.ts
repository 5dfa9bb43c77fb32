import type { GoProgram } from './go-programs.js'

const HELM_UNITTEST = 'github.com/helm-unittest/helm-unittest'
const NETPOL_ANALYZER = 'github.com/np-guard/netpol-analyzer'
const HELM_3 = 'helm.sh/helm/v3'

/**
 * What the chart is tested with, built by Go and kept in the cache: both Helms that are in use, the runner of the
 * chart's own suites, and what looks at the rendered objects.
 */
export const helmPrograms = {
  helm4: {
    name: 'helm',
    goPackage: 'helm.sh/helm/v4/cmd/helm',
    version: 'v4.2.4',
    linked: { 'helm.sh/helm/v4/internal/version.version': 'v4.2.4' },
  },
  helm3: {
    name: 'helm',
    goPackage: `${HELM_3}/cmd/helm`,
    version: 'v3.21.4',
    linked: {
      [`${HELM_3}/internal/version.version`]: 'v3.21.4',
      // The Kubernetes that it believes in without a cluster; its releases have it from their client-go.
      [`${HELM_3}/pkg/chartutil.k8sVersionMajor`]: '1',
      [`${HELM_3}/pkg/chartutil.k8sVersionMinor`]: '36',
      [`${HELM_3}/pkg/lint/rules.k8sVersionMajor`]: '1',
      [`${HELM_3}/pkg/lint/rules.k8sVersionMinor`]: '36',
    },
  },
  unittest: {
    name: 'helm-unittest',
    goPackage: `${HELM_UNITTEST}/cmd/helm-unittest`,
    module: HELM_UNITTEST,
    version: 'v1.0.1',
  },
  kubeconform: {
    name: 'kubeconform',
    goPackage: 'github.com/yannh/kubeconform/cmd/kubeconform',
    version: 'v0.7.0',
  },
  /** Says which pods may reach which, from their NetworkPolicies alone. */
  netpolicy: {
    name: 'netpolicy',
    goPackage: `${NETPOL_ANALYZER}/cmd/netpolicy`,
    module: NETPOL_ANALYZER,
    version: 'v1.4.4',
  },
} as const satisfies Readonly<Record<string, GoProgram>>
