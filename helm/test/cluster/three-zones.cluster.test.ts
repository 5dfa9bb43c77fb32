import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type Cluster,
  type OpenApi,
  SCHEMA_PATH,
  schemasOf,
  startCluster,
  THREE_ZONES,
  writeSchemas,
} from '@fractal-lba/test-cluster'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  CHART,
  expectToStart,
  HELMS,
  type Installation,
  manifests,
  profileFile,
  profiles,
  RELEASE,
  uninstall,
  upgradeInstall,
} from './installation.js'
import { inNamespace, prerequisites } from './prerequisites.js'

const directory = mkdtempSync(join(tmpdir(), 'fractal-lba-schemas-'))
let cluster: Cluster

beforeAll(async () => {
  cluster = await startCluster(THREE_ZONES)
  const openApi: OpenApi = JSON.parse(await cluster.kubectl('get', '--raw', '/openapi/v2'))
  writeSchemas(schemasOf(openApi), directory)
})

afterAll(async () => {
  await cluster?.close()
  rmSync(directory, { recursive: true, force: true })
})

const cases = profiles().flatMap((profile) => HELMS.map((helm) => ({ profile, helm })))

test.each(cases)(
  'the profile $profile is installed, upgraded and uninstalled with $helm',
  async ({ profile, helm }) => {
    const at: Installation = { cluster, helm, namespace: `${profile}-${helm}` }
    await cluster.restrictedNamespace(at.namespace)
    await cluster.apply(...prerequisites(profile).map((object) => inNamespace(object, at.namespace)))
    await upgradeInstall(at, CHART, '--values', profileFile(profile))
    await expectToStart(at)
    expect(await misfits(await manifests(at))).toEqual([])
    await upgradeInstall(at, CHART, '--values', profileFile(profile))
    await expectToStart(at)
    await uninstall(at)
  },
)

test.each(HELMS)('all that can be switched on is taken from %s, an object of each kind', async (helm) => {
  const at: Installation = { cluster, helm, namespace: `everything-${helm}` }
  await cluster.restrictedNamespace(at.namespace)
  await cluster.apply(...prerequisites('everything').map((object) => inNamespace(object, at.namespace)))
  await upgradeInstall(at, CHART, '--values', join(import.meta.dirname, 'everything.yaml'))
  await expectToStart(at)
  const sent = await manifests(at)
  expect(await misfits(sent)).toEqual([])
  expect(new Set([...sent.matchAll(/^kind: (\w+)$/gm)].map(([, kind]) => kind))).toEqual(new Set(KINDS))
  await uninstall(at)
})

test.each(HELMS)('the pods of helm test and of a compaction are taken, with %s', async (helm) => {
  const at: Installation = { cluster, helm, namespace: `jobs-${helm}` }
  await cluster.restrictedNamespace(at.namespace)
  await cluster.apply(...prerequisites('production').map((object) => inNamespace(object, at.namespace)))
  await upgradeInstall(at, CHART, '--values', profileFile('production'))
  // They are played and do nothing: what they do is shown where their containers run (npm run test:images).
  await cluster.helm(helm, 'test', RELEASE, '-n', at.namespace, '--timeout', '60s')
  await cluster.kubectl('create', 'job', 'now', '--from=cronjob/fractal-lba-compaction', '-n', at.namespace)
  await cluster.kubectl('wait', '--for=condition=Complete', 'job/now', '-n', at.namespace, '--timeout=60s')
  await expectToStart(at)
  await uninstall(at)
})

test.each(HELMS)('the number that an autoscaler has set stands over an upgrade with %s', async (helm) => {
  const at: Installation = { cluster, helm, namespace: `scaled-${helm}` }
  await cluster.restrictedNamespace(at.namespace)
  await cluster.apply(...prerequisites('production').map((object) => inNamespace(object, at.namespace)))
  const values = ['--values', profileFile('production')]
  await upgradeInstall(at, CHART, ...values)
  const replicas = async (): Promise<number> => {
    const gateway = ['deployment', RELEASE, '-n', at.namespace]
    return (await cluster.get<{ spec: { replicas: number } }>(...gateway)).spec.replicas
  }
  // Without metrics it knows its minimum alone.
  await expect.poll(replicas, { timeout: 60_000, interval: 1_000 }).toBe(3)
  await upgradeInstall(at, CHART, ...values, '--set-string', 'config.data.TOKEN_RATE=500')
  expect(await replicas()).toBe(3)
  await uninstall(at)
})

describe('a node is drained', () => {
  const args = {
    'of one pod each': [],
    'of one pod each, with budgets': ['--set', 'common.podDisruptionBudget.enabled=true'],
    'of production': ['--values', profileFile('production')],
  }

  test.each(Object.entries(args))('%s', async (name, values) => {
    const at: Installation = { cluster, helm: 'helm4', namespace: name.replaceAll(/[ ,]+/g, '-') }
    await cluster.restrictedNamespace(at.namespace)
    await cluster.apply(...prerequisites('production').map((object) => inNamespace(object, at.namespace)))
    await upgradeInstall(at, CHART, ...values)
    await settled(at)
    const node = await nodeOf(at, 'gateway')
    await cluster.kubectl('drain', node, '--delete-emptydir-data', '--timeout=60s')
    await settled(at)
    expect(await nodeOf(at, 'gateway')).not.toBe(node)
    await cluster.kubectl('uncordon', node)
    await uninstall(at)
  })

  test('but not below a budget', async () => {
    const at: Installation = { cluster, helm: 'helm4', namespace: 'budget' }
    await cluster.restrictedNamespace(at.namespace)
    await upgradeInstall(
      at,
      CHART,
      '--set',
      'verifier.replicaCount=2,verifier.podDisruptionBudget.enabled=true',
    )
    const budget = ['pdb', 'fractal-lba-verifier', '-n', at.namespace]
    await cluster.kubectl('patch', ...budget, '--type=merge', '--patch={"spec":{"maxUnavailable":0}}')
    const node = await nodeOf(at, 'verifier')
    const drain = cluster.kubectl('drain', node, '--delete-emptydir-data', '--timeout=5s')
    await expect(drain).rejects.toThrow(/disruption budget/)
    await cluster.kubectl('uncordon', node)
    await uninstall(at)
  })
})

describe('schemas', () => {
  test('find fields that nobody knows, in our own kinds and in others’', async () => {
    const wrong = [
      { apiVersion: 'v1', kind: 'Service', metadata: { name: 'a' }, spec: { port: 1 } },
      {
        apiVersion: 'cert-manager.io/v1',
        kind: 'Certificate',
        metadata: { name: 'b' },
        spec: { secret: 'c' },
      },
    ]
    expect(await misfits(wrong.map((object) => JSON.stringify(object)).join('\n---\n'))).toEqual([
      expect.stringMatching(/Certificate b: /),
      expect.stringMatching(/Service a: .*port/),
    ])
  })
})

/** Of all objects that the chart can have. */
const KINDS = [
  ...['ConfigMap', 'CronJob', 'Deployment', 'HorizontalPodAutoscaler', 'Ingress', 'Job', 'NetworkPolicy'],
  ...['PodDisruptionBudget', 'Secret', 'Service', 'ServiceAccount', 'StatefulSet'],
  ...['PodMonitor', 'Probe', 'PrometheusRule', 'ServiceMonitor'],
  ...['Certificate', 'Issuer'],
  ...['BackendTLSPolicy', 'GRPCRoute', 'HTTPRoute'],
  'ExternalSecret',
  ...['Cluster', 'ScheduledBackup'],
]

/** All pods of its Deployments and StatefulSets are there and ready, those of autoscalers too. */
async function settled({ namespace }: Installation): Promise<void> {
  const workloads = await cluster.kubectl('get', 'deployments,statefulsets', '-n', namespace, '--output=name')
  for (const workload of workloads.split('\n').filter((name) => name !== '')) {
    await cluster.kubectl('rollout', 'status', workload, '-n', namespace, '--timeout=60s')
  }
}

/** Where a pod of a component is. */
async function nodeOf({ namespace }: Installation, component: string): Promise<string> {
  const { items } = await cluster.get<{ items: readonly { spec: { nodeName: string } }[] }>(
    ...['pods', '-n', namespace, '-l', `app.kubernetes.io/component=${component}`],
  )
  return String(items[0]?.spec.nodeName)
}

interface Verdict {
  readonly resources: readonly {
    readonly kind: string
    readonly name: string
    readonly status: string
    readonly msg: string
  }[]
}

/** @returns a sentence for each object of these manifests that does not fit its schema, or has none. */
async function misfits(yaml: string): Promise<string[]> {
  const file = join(directory, 'manifests.yaml')
  writeFileSync(file, yaml)
  const said = await cluster.kubeconform('-strict', '-schema-location', join(directory, SCHEMA_PATH), file)
  const { resources }: Verdict = JSON.parse(said)
  expect(resources.length).toBeGreaterThan(0)
  return resources
    .filter(({ status }) => status !== 'statusValid')
    .map(({ kind, name, msg }) => `${kind} ${name}: ${msg}`)
    .sort()
}
