import type { GoProgram } from './go-programs.js'

const HELM_UNITTEST = 'github.com/helm-unittest/helm-unittest'

/**
 * What the chart is tested with, built by Go and kept in the cache: both Helms that are in use, and the runner of the
 * chart's own suites.
 */
export const helmPrograms = {
  helm4: { name: 'helm', goPackage: 'helm.sh/helm/v4/cmd/helm', version: 'v4.2.4' },
  helm3: { name: 'helm', goPackage: 'helm.sh/helm/v3/cmd/helm', version: 'v3.21.4' },
  unittest: {
    name: 'helm-unittest',
    goPackage: `${HELM_UNITTEST}/cmd/helm-unittest`,
    module: HELM_UNITTEST,
    version: 'v1.0.1',
  },
} as const satisfies Readonly<Record<string, GoProgram>>
