import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { type clusterModules, type GoModule, goModule } from '@fractal-lba/test-servers'

type CrdModule = Exclude<keyof typeof clusterModules, 'kwok'>

/** Where the modules of the operators have their CustomResourceDefinitions. */
export const CRD_DIRECTORIES: Readonly<Record<CrdModule, string>> = {
  prometheusOperator: 'example/prometheus-operator-crd',
  certManager: 'deploy/crds',
  gatewayApi: 'config/crd/standard',
  externalSecrets: 'config/crds/bases',
  cloudnativePg: 'config/crd/bases',
}

/** Kinds that no chart of ours has; some would take longer to load than all others. */
const NOT_WANTED =
  /^(generators\.external-secrets\.io|acme\.cert-manager\.io)_|_vap_safeupgrades\.yaml$|^kustomization\.yaml$/

/** The files of an operator's definitions. */
export async function crdFiles(module: GoModule, directory: string): Promise<string[] | { missing: string }> {
  const found = await goModule(module)
  if ('missing' in found) return found
  const place = join(found.directory, directory)
  return readdirSync(place)
    .filter((name) => name.endsWith('.yaml') && !NOT_WANTED.test(name))
    .map((name) => join(place, name))
}
