import { runVitest } from '../../../scripts/test/vitest-run.mjs'

const LIMIT_MS = 20 * 60_000

/**
 * The chart on a real API server. Its programs are built first, where there is a Go.
 * @param {import('../../../scripts/helm.mjs').Part} part
 */
export async function run({ report, root, say, args, mark, logDir }) {
  const { prepareCluster } = await import('@fractal-lba/test-cluster')
  const { goProgram, helmPrograms } = await import('@fractal-lba/test-servers')
  const missing = await prepareCluster()
  if (missing.length > 0) {
    for (const sentence of missing) say(sentence)
    report.skip(
      'the chart on a real API server',
      `${missing.length} of its programs are missing, named above`,
    )
    return
  }
  const found = await goProgram(helmPrograms.netpolicy)
  if ('missing' in found) say(found.missing)
  const options = { config: 'vitest.cluster.config.ts', args, mark, logDir, limitMs: LIMIT_MS }
  await report.tests('the chart on a real API server', true, () => runVitest(root, options))
}
