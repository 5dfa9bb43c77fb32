import { type Cluster, ONE_NODE, startCluster } from '@fractal-lba/test-cluster'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CHART, HELMS, type Installation, upgradeInstall } from './installation.js'

// Changes of a running installation that an API server could refuse.

interface Workload {
  readonly spec: { readonly strategy?: { readonly type: string } }
}

let cluster: Cluster
beforeAll(async () => {
  cluster = await startCluster(ONE_NODE)
})
afterAll(async () => {
  await cluster?.close()
})

describe.each(HELMS)('a running installation with %s', (helm) => {
  const at = (): Installation => ({ cluster, helm, namespace: `changes-${helm}` })
  const upgrade = (...values: readonly string[]): Promise<string> =>
    upgradeInstall(at(), CHART, ...values.flatMap((value) => ['--set', value]))
  const workload = (kind: string, name: string): Promise<Workload> =>
    cluster.get<Workload>(kind, name, '-n', at().namespace)

  test('goes over to the memory index, one pod after the other, and back', async () => {
    await cluster.restrictedNamespace(at().namespace)
    await upgrade()
    await upgrade('config.data.DEDUP_BACKEND=memory')
    expect((await workload('deployment', 'fractal-lba-dedup')).spec.strategy).toEqual({ type: 'Recreate' })
    // Without values Helm takes those of the release.
    await upgrade('config.data.DEDUP_BACKEND=redis')
    expect((await workload('deployment', 'fractal-lba-dedup')).spec.strategy?.type).toBe('RollingUpdate')
  })
})
