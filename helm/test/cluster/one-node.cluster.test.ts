import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Cluster, ONE_NODE, startCluster } from '@fractal-lba/test-cluster'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { earlierChart, earlierMissing } from './earlier.js'
import {
  CHART,
  expectToStart,
  HELMS,
  type Installation,
  remains,
  rollback,
  uninstall,
  upgradeInstall,
} from './installation.js'

const noEarlier = await earlierMissing()
const directory = mkdtempSync(join(tmpdir(), 'fractal-lba-charts-'))
let cluster: Cluster

beforeAll(async () => {
  cluster = await startCluster(ONE_NODE)
})

afterAll(async () => {
  await cluster?.close()
  rmSync(directory, { recursive: true, force: true })
})

describe.each(HELMS)('the defaults with %s, on one node of 4 CPU and 8 GiB', (helm) => {
  const at = (): Installation => ({ cluster, helm, namespace: `defaults-${helm}` })
  let keys: unknown

  test('install where nothing but restricted pods is taken', async () => {
    await cluster.restrictedNamespace(at().namespace)
    await upgradeInstall(at(), CHART)
    await expectToStart(at())
    keys = await secretData(at())
  })

  test('keep the keys that were made at the install over an upgrade', async () => {
    await upgradeInstall(at(), CHART, '--set-string', 'config.data.TOKEN_RATE=500')
    expect(await secretData(at())).toEqual(keys)
    await expectToStart(at())
  })

  test('give pods anew when their settings have changed, and only then', async () => {
    const before = await podNames(at())
    await upgradeInstall(at(), CHART, '--set-string', 'config.data.TOKEN_RATE=500')
    expect(await podNames(at())).toEqual(before)
    await upgradeInstall(at(), CHART, '--set-string', 'config.data.TOKEN_RATE=600')
    expect(await podNames(at())).not.toEqual(before)
  })

  test('roll back', async () => {
    await rollback(at(), 1)
    const { data } = await cluster.get<{ data: Record<string, string> }>(
      ...['configmap', 'fractal-lba-config', '-n', at().namespace],
    )
    expect(data.TOKEN_RATE).toBe('1000')
    expect(await secretData(at())).toEqual(keys)
    await expectToStart(at())
  })

  test('do not scale a log away that was not drained', async () => {
    await upgradeInstall(at(), CHART, '--set', 'wal.replicaCount=2')
    const one = ['--set', 'wal.replicaCount=1']
    await expect(upgradeInstall(at(), CHART, ...one)).rejects.toThrow(/drain and retire each of them/)
    await upgradeInstall(at(), CHART, ...one, '--set', 'wal.scaleDownFrom=2')
    const logs = ['pods', '-n', at().namespace, '-l', 'app.kubernetes.io/component=wal']
    const { items } = await cluster.get<{ items: object[] }>(...logs)
    expect(items).toHaveLength(1)
  })

  test('leave the volumes when they are uninstalled, and nothing else', async () => {
    await uninstall(at())
    // Pods are ended after what owns them has gone.
    const left = () => remains(cluster, at().namespace)
    await expect
      .poll(left, { timeout: 30_000, interval: 500 })
      .toEqual([
        'persistentvolumeclaim/data-fractal-lba-wal-0',
        'persistentvolumeclaim/data-fractal-lba-wal-1',
      ])
  })
})

describe(`an earlier version of the chart${noEarlier ? `: ${noEarlier}` : ''}`, () => {
  test.skipIf(noEarlier !== undefined).each([
    ['helm3', 'helm3'],
    ['helm4', 'helm4'],
    ['helm3', 'helm4'],
  ] as const)('installed with %s is upgraded with %s and rolled back', async (before, after) => {
    const namespace = `earlier-${before}-${after}`
    const earlier = await earlierChart(cluster, directory)
    await cluster.restrictedNamespace(namespace)
    await upgradeInstall({ cluster, helm: before, namespace }, earlier)
    const keys = await secretData({ cluster, helm: before, namespace })
    const at: Installation = { cluster, helm: after, namespace }
    await upgradeInstall(at, CHART)
    await expectToStart(at)
    expect(await secretData(at)).toEqual(keys)
    await rollback(at, 1)
    await expectToStart(at)
    expect(await secretData(at)).toEqual(keys)
    await uninstall(at)
  })
})

/** The keys that the chart has made. */
async function secretData({ namespace }: Installation): Promise<unknown> {
  const { data } = await cluster.get<{ data: object }>('secret', 'fractal-lba-secrets', '-n', namespace)
  expect(Object.keys(data)).toContain('PCS_HMAC_KEY')
  return data
}

async function podNames({ namespace }: Installation): Promise<string[]> {
  const names = await cluster.kubectl('get', 'pods', '-n', namespace, '--output=name')
  return names.split('\n').sort()
}
