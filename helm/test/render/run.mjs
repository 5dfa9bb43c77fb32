import { runVitest } from '../../../scripts/test/vitest-run.mjs'

const LIMIT_MS = 20 * 60_000

/**
 * What the chart renders to under each Helm. The programs are built first, where there is a Go; tests of one that is
 * missing are skipped and say so.
 * @param {import('../../../scripts/helm.mjs').Part} part
 */
export async function run({ report, root, say, args, mark, logDir }) {
  const { goProgram, helmPrograms } = await import('@fractal-lba/test-servers')
  for (const program of Object.values(helmPrograms)) {
    const found = await goProgram(program)
    if ('missing' in found) say(found.missing)
  }
  const options = { config: 'vitest.helm.config.ts', args, mark, logDir, limitMs: LIMIT_MS }
  await report.tests('what the chart renders to', args.length === 0, () => runVitest(root, options))
}
