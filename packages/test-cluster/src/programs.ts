import {
  builtGoProgram,
  clusterModules,
  clusterPrograms,
  type FoundProgram,
  goModule,
  goProgram,
  helmPrograms,
} from '@fractal-lba/test-servers'
import { CRDS, crdFiles } from './crds.js'

const PROGRAMS = {
  ...clusterPrograms,
  helm3: helmPrograms.helm3,
  helm4: helmPrograms.helm4,
  kubeconform: helmPrograms.kubeconform,
}

/** Paths of what a cluster is made of. */
export interface ClusterPrograms extends Readonly<Record<keyof typeof PROGRAMS, string>> {
  /** The files of kwok's module. */
  readonly kwokFiles: string
  readonly crdFiles: readonly string[]
}

/** Builds and downloads what is missing. @returns a sentence for each that cannot be had; none where all is there. */
export async function prepareCluster(): Promise<string[]> {
  const missing: string[] = []
  for (const program of Object.values(PROGRAMS)) {
    const found = await goProgram(program)
    if ('missing' in found) missing.push(found.missing)
  }
  for (const module of Object.values(clusterModules)) {
    const found = await goModule(module)
    if ('missing' in found) missing.push(found.missing)
  }
  return missing
}

/** What was built before; builds nothing. @throws Error with what is missing. */
export async function findClusterPrograms(): Promise<ClusterPrograms> {
  const paths = Object.entries(PROGRAMS).map(([name, program]) => [name, pathOf(builtGoProgram(program))])
  const kwok = await goModule(clusterModules.kwok)
  if ('missing' in kwok) throw new Error(kwok.missing)
  const crds: string[] = []
  for (const [name, definitions] of Object.entries(CRDS)) {
    crds.push(...(await crdFiles(clusterModules[name as keyof typeof CRDS], definitions)))
  }
  return {
    ...(Object.fromEntries(paths) as Record<keyof typeof PROGRAMS, string>),
    kwokFiles: kwok.directory,
    crdFiles: crds,
  }
}

function pathOf(found: FoundProgram): string {
  if ('missing' in found) throw new Error(found.missing)
  return found.path
}
