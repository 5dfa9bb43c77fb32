import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Cluster } from '@fractal-lba/test-cluster'
import { run } from '@fractal-lba/test-servers'

/** The first commit in which the chart had all of its services, its schema and its policies. */
const EARLIER_COMMIT = '8a1f0df'
const ROOT = join(import.meta.dirname, '../../..')
const CHART_PATH = 'helm/fractal-lba'

/** Why there is no earlier version: a checkout without its history has none. */
export async function earlierMissing(): Promise<string | undefined> {
  try {
    await run('git', ['cat-file', '-e', `${EARLIER_COMMIT}:${CHART_PATH}/Chart.yaml`], { cwd: ROOT })
    return undefined
  } catch {
    return `this checkout has no commit ${EARLIER_COMMIT}: git fetch --unshallow`
  }
}

/** The chart as it was then, as a package. @returns the package's file. */
export async function earlierChart(cluster: Cluster, directory: string): Promise<string> {
  const archive = join(directory, 'earlier.tar')
  const place = join(directory, 'earlier')
  mkdirSync(place, { recursive: true })
  await run('git', ['archive', '--output', archive, EARLIER_COMMIT, CHART_PATH], { cwd: ROOT })
  await run('tar', ['--extract', '--file', archive, '--directory', place])
  await cluster.helm('helm4', 'package', join(place, CHART_PATH), '--destination', place)
  return join(place, 'fractal-lba-0.1.0.tgz')
}
