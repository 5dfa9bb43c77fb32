import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Cluster, type KubernetesObject, startCluster, THREE_ZONES } from '@fractal-lba/test-cluster'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CHART, HELMS, type Installation, profileFile, RELEASE, upgradeInstall } from './installation.js'
import { inNamespace, prerequisites } from './prerequisites.js'

const ROOT = join(import.meta.dirname, '../../..')
const DEDUP = `${RELEASE}-dedup`
/** An autoscaler looks every 15 s. */
const SCALED = { timeout: 60_000, interval: 1_000 }
let cluster: Cluster

beforeAll(async () => {
  cluster = await startCluster(THREE_ZONES)
})

afterAll(() => cluster?.close())

describe('the way over the memory index in dedup-outage', () => {
  const [there = '', back = ''] = commandsOf('dedup-outage').filter((commands) =>
    commands.includes('DEDUP_BACKEND'),
  )

  test.each(HELMS)('leads there and back, never over two processes, with %s', async (helm) => {
    const at: Installation = { cluster, helm, namespace: `memory-${helm}` }
    await cluster.restrictedNamespace(at.namespace)
    await cluster.apply(...prerequisites('production').map((object) => inNamespace(object, at.namespace)))
    await upgradeInstall(at, CHART, '--values', profileFile('production'))
    await expect.poll(() => replicas(at), SCALED).toBe(3)

    await cluster.shell(helm, at.namespace, there, ROOT)
    expect(await backendOf(at)).toBe('memory')
    expect(await replicas(at)).toBe(1)

    await cluster.shell(helm, at.namespace, back, ROOT)
    expect(await backendOf(at)).toBeUndefined()
    await expect.poll(() => replicas(at), SCALED).toBe(3)
  })
})

describe('UPGRADING', () => {
  const [enlarge = ''] = fences(join(CHART, 'UPGRADING.md'), 'sh').filter((commands) =>
    commands.includes('kubectl patch'),
  )

  test('has commands that enlarge the volumes of the logs, whose pods run on', async () => {
    const at: Installation = { cluster, helm: 'helm4', namespace: 'enlarged' }
    await cluster.restrictedNamespace(at.namespace)
    await cluster.apply(...prerequisites('production').map((object) => inNamespace(object, at.namespace)))
    await upgradeInstall(at, CHART, '--values', profileFile('production'))
    const before = await logs(at)
    await cluster.shell('helm4', at.namespace, enlarge, ROOT)
    expect(await logs(at)).toEqual(before)
    const set = await cluster.get<{ spec: { volumeClaimTemplates: readonly Claim[] } }>(
      ...['statefulset', `${RELEASE}-wal`, '-n', at.namespace],
    )
    const ofLogs = ['pvc', '-n', at.namespace, '-l', 'app.kubernetes.io/component=wal']
    const { items: claims } = await cluster.get<{ items: readonly Claim[] }>(...ofLogs)
    expect(claims).toHaveLength(3)
    for (const { spec } of [...claims, ...set.spec.volumeClaimTemplates]) {
      expect(spec.resources.requests.storage).toBe('100Gi')
    }
  })
})

/** The pods of the logs, each by the name that is its own. */
async function logs({ namespace }: Installation): Promise<unknown> {
  const { items } = await cluster.get<{ items: readonly KubernetesObject[] }>(
    ...['pods', '-n', namespace, '-l', 'app.kubernetes.io/component=wal'],
  )
  return items.map(({ metadata: { name, uid } }) => ({ name, uid }))
}

interface Claim {
  readonly spec: { readonly resources: { readonly requests: { readonly storage: string } } }
}

interface Deployment {
  readonly spec: {
    readonly replicas: number
    readonly template: {
      readonly spec: { readonly containers: readonly { readonly env: readonly Variable[] }[] }
    }
  }
}

interface Variable {
  readonly name: string
  readonly value?: string
}

function dedup({ namespace }: Installation): Promise<Deployment> {
  return cluster.get<Deployment>('deployment', DEDUP, '-n', namespace)
}

async function replicas(at: Installation): Promise<number> {
  return (await dedup(at)).spec.replicas
}

/** What its own variables say; those of the ConfigMap come after. */
async function backendOf(at: Installation): Promise<string | undefined> {
  const { containers } = (await dedup(at)).spec.template.spec
  return containers[0]?.env.find(({ name }) => name === 'DEDUP_BACKEND')?.value
}

/** The blocks of a runbook that are marked for a cluster. */
function commandsOf(runbook: string): string[] {
  return fences(join(ROOT, 'docs/runbooks', `${runbook}.md`), 'sh kubectl')
}

function fences(file: string, language: string): string[] {
  const fence = new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms')
  return [...readFileSync(file, 'utf8').matchAll(fence)].map(([, commands = '']) => commands)
}
