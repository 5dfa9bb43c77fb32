import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Cluster, startCluster, THREE_ZONES } from '@fractal-lba/test-cluster'
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
  const markdown = readFileSync(join(ROOT, 'docs/runbooks', `${runbook}.md`), 'utf8')
  return [...markdown.matchAll(/^```sh kubectl\n(.*?)^```$/gms)].map(([, commands = '']) => commands)
}
