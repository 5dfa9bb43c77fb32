import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Cluster, HelmVersion, KubernetesObject } from '@fractal-lba/test-cluster'
import { expect } from 'vitest'
import { deadAddresses, reachableIn } from './addresses.js'
import { knownIn, missingReferences, type PodSpec } from './references.js'
import { emptySelectors } from './selectors.js'

export const CHART = join(import.meta.dirname, '../../fractal-lba')
export const RELEASE = 'fractal-lba'
export const HELMS: readonly HelmVersion[] = ['helm3', 'helm4']
/** What the guide's command has; a played pod is ready in a second. */
const WAIT = ['--wait', '--timeout', '90s']

/** A release in a namespace of its own. */
export interface Installation {
  readonly cluster: Cluster
  readonly helm: HelmVersion
  readonly namespace: string
}

interface List<Item> {
  readonly items: readonly Item[]
}

interface Pod extends KubernetesObject {
  readonly spec: PodSpec
}

/** The files of values beside values.yaml, by their names: values-production.yaml is `production`. */
export function profiles(): string[] {
  return readdirSync(CHART).flatMap((name) => /^values-(.+)\.yaml$/.exec(name)?.[1] ?? [])
}

export function profileFile(profile: string): string {
  return join(CHART, `values-${profile}.yaml`)
}

/** The guide's command: installs, or upgrades what is there, and waits until all is ready. */
export function upgradeInstall(
  { cluster, helm, namespace }: Installation,
  chart: string,
  ...args: readonly string[]
): Promise<string> {
  return cluster.helm(helm, 'upgrade', '--install', RELEASE, chart, '-n', namespace, ...WAIT, ...args)
}

export function rollback({ cluster, helm, namespace }: Installation, revision: number): Promise<string> {
  return cluster.helm(helm, 'rollback', RELEASE, String(revision), '-n', namespace, ...WAIT)
}

export function uninstall({ cluster, helm, namespace }: Installation): Promise<string> {
  return cluster.helm(helm, 'uninstall', RELEASE, '-n', namespace, ...WAIT)
}

/** What Helm has sent, with the objects of its hooks, as YAML. */
export async function manifests({ cluster, helm, namespace }: Installation): Promise<string> {
  const get = (what: string): Promise<string> => cluster.helm(helm, 'get', what, RELEASE, '-n', namespace)
  return `${await get('manifest')}\n${await get('hooks')}`
}

/**
 * Every pod would start where there is a kubelet too: what it reads is there, or an operator, which a played cluster has
 * not, would make it; the addresses that it is given lead to pods; what selects others finds them; and none was refused.
 */
export async function expectToStart({ cluster, namespace }: Installation): Promise<void> {
  const known = new Map([
    ...(await knownIn(cluster, namespace)),
    ...(await madeByOperators(cluster, namespace)),
  ])
  const { items: pods } = await cluster.get<List<Pod>>('pods', '-n', namespace)
  expect(pods.length).toBeGreaterThan(0)
  const reachable = await reachableIn(cluster, namespace)
  const mistakes = pods.flatMap(({ metadata, spec }) =>
    [...missingReferences(spec, known), ...deadAddresses(spec, reachable)].map(
      (one) => `${metadata.name}: ${one}`,
    ),
  )
  expect([...mistakes, ...(await emptySelectors(cluster, namespace))]).toEqual([])
  const refused = ['events', '-n', namespace, '--field-selector', 'reason=FailedCreate']
  const { items } = await cluster.get<List<{ message: string }>>(...refused)
  expect(items.map(({ message }) => message)).toEqual([])
}

/** Names of all that is in a namespace, as `kind.group/name`, without what is there before anything is installed. */
export async function remains(cluster: Cluster, namespace: string): Promise<string[]> {
  const kinds = await cluster.kubectl('api-resources', '--namespaced', '--verbs=list', '--output=name')
  const wanted = kinds.split('\n').filter((kind) => kind !== '' && !/^(events|.*metrics\.k8s\.io)/.test(kind))
  const names = await cluster.kubectl('get', wanted.join(','), '-n', namespace, '--output=name')
  return names
    .split('\n')
    .filter((name) => name !== '' && !OF_EVERY_NAMESPACE.includes(name))
    .sort()
}

const OF_EVERY_NAMESPACE = ['configmap/kube-root-ca.crt', 'serviceaccount/default']

async function madeByOperators(
  cluster: Cluster,
  namespace: string,
): Promise<[string, ReadonlySet<string>][]> {
  interface Certificate {
    readonly spec: { readonly secretName: string }
  }
  interface ExternalSecret {
    readonly metadata: { readonly name: string }
    readonly spec: {
      readonly target?: { readonly name?: string }
      readonly data?: readonly { readonly secretKey: string }[]
    }
  }
  interface Postgres {
    readonly metadata: { readonly name: string }
  }
  const of = async <Item>(kind: string): Promise<readonly Item[]> =>
    (await cluster.get<List<Item>>(kind, '-n', namespace)).items
  const certificates = await of<Certificate>('certificates.cert-manager.io')
  const external = await of<ExternalSecret>('externalsecrets.external-secrets.io')
  const postgres = await of<Postgres>('clusters.postgresql.cnpg.io')
  return [
    ...postgres.map(
      ({ metadata }) => [`Secret/${metadata.name}-app`, new Set(['username', 'password', 'uri'])] as const,
    ),
    ...certificates.map(
      ({ spec }) => [`Secret/${spec.secretName}`, new Set(['tls.crt', 'tls.key', 'ca.crt'])] as const,
    ),
    ...external.map(
      ({ metadata, spec }) =>
        [
          `Secret/${spec.target?.name ?? metadata.name}`,
          new Set((spec.data ?? []).map(({ secretKey }) => secretKey)),
        ] as const,
    ),
  ].map(([name, keys]) => [name, keys])
}
