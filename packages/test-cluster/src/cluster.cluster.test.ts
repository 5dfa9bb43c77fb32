import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Cluster, type HelmVersion, ONE_NODE, startCluster } from './index.js'

let cluster: Cluster
let charts: string

beforeAll(async () => {
  charts = mkdtempSync(join(tmpdir(), 'fractal-lba-chart-'))
  cluster = await startCluster(ONE_NODE)
})

afterAll(async () => {
  await cluster?.close()
  rmSync(charts, { recursive: true, force: true })
})

describe('a cluster', () => {
  test.each<HelmVersion>(['helm3', 'helm4'])(
    'takes what %s installs, waits for and uninstalls',
    async (helm) => {
      await cluster.restrictedNamespace(helm)
      await cluster.helm(helm, 'install', 'small', chart('small', RESTRICTED), '--namespace', helm, ...WAIT)
      const { items } = await cluster.get<{ items: object[] }>('pods', '--namespace', helm)
      expect(items).toHaveLength(1)
      await cluster.helm(helm, 'uninstall', 'small', '--namespace', helm, ...WAIT)
      expect(await cluster.kubectl('get', 'pods', '--namespace', helm, '--output', 'name')).toBe('')
    },
  )

  test('refuses a pod that is not restricted', async () => {
    await cluster.restrictedNamespace('refused')
    const install = cluster.helm(
      'helm3',
      'install',
      'root',
      chart('root', {}),
      '--namespace',
      'refused',
      ...SHORT,
    )
    await expect(install).rejects.toThrow()
    const events = await cluster.kubectl('get', 'events', '--namespace', 'refused')
    expect(events).toMatch(/violates PodSecurity "restricted/)
  })

  test('refuses a variable that is named twice, as Helm 4 sends it', async () => {
    await cluster.restrictedNamespace('twice')
    const env = [1, 2].map((value) => ({ name: 'SAME', value: String(value) }))
    const twice = chart('twice', { ...RESTRICTED, env })
    const install = cluster.helm('helm4', 'install', 'twice', twice, '--namespace', 'twice', ...SHORT)
    await expect(install).rejects.toThrow(/duplicate entries for key/)
  })

  test('has no room for a pod that wants more than its node has', async () => {
    await cluster.restrictedNamespace('full')
    const large = chart('large', { ...RESTRICTED, cpu: '5' })
    await expect(
      cluster.helm('helm4', 'install', 'large', large, '--namespace', 'full', ...SHORT),
    ).rejects.toThrow()
    const events = await cluster.kubectl('get', 'events', '--namespace', 'full')
    expect(events).toMatch(/Insufficient cpu/)
  })

  test('binds a claim of the default storage class', async () => {
    await cluster.restrictedNamespace('claims')
    await cluster.apply({
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'data', namespace: 'claims' },
      spec: { accessModes: ['ReadWriteOncePod'], resources: { requests: { storage: '1Gi' } } },
    })
    const bound = [
      '--for=jsonpath={.status.phase}=Bound',
      'pvc/data',
      '--namespace',
      'claims',
      '--timeout=30s',
    ]
    await cluster.kubectl('wait', ...bound)
  })

  test.each([
    ['monitoring.coreos.com/v1', 'ServiceMonitor', { selector: { matchLabels: 3 } }],
    ['cert-manager.io/v1', 'Certificate', { secretName: 'tls' }],
    ['gateway.networking.k8s.io/v1', 'GRPCRoute', { hostnames: ['not a name'] }],
    ['external-secrets.io/v1', 'ExternalSecret', { refreshInterval: 1 }],
    ['postgresql.cnpg.io/v1', 'Cluster', { instances: 0 }],
  ])('validates a %s %s', async (apiVersion, kind, spec) => {
    const wrong = { apiVersion, kind, metadata: { name: 'wrong', namespace: 'default' }, spec }
    await expect(cluster.apply(wrong)).rejects.toThrow(/spec/)
  })
})

const WAIT = ['--wait', '--timeout', '60s']
const SHORT = ['--wait', '--timeout', '5s']
const RESTRICTED = {
  pod: { runAsNonRoot: true, runAsUser: 65532, seccompProfile: { type: 'RuntimeDefault' } },
  container: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
}

interface Wanted {
  readonly pod?: object
  readonly container?: object
  readonly cpu?: string
  readonly env?: readonly object[]
}

/** A chart of one Deployment. @returns its directory. */
function chart(name: string, { pod = {}, container = {}, cpu = '100m', env = [] }: Wanted): string {
  const directory = join(charts, name)
  mkdirSync(join(directory, 'templates'), { recursive: true })
  const labels = { app: name }
  const resources = { requests: { cpu, memory: '16Mi' } }
  const deployment = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: {
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          securityContext: pod,
          containers: [
            { name: 'main', image: 'example.test/main:1', securityContext: container, resources, env },
          ],
        },
      },
    },
  }
  writeFileSync(join(directory, 'Chart.yaml'), JSON.stringify({ apiVersion: 'v2', name, version: '1.0.0' }))
  writeFileSync(join(directory, 'templates/deployment.yaml'), JSON.stringify(deployment))
  return directory
}
