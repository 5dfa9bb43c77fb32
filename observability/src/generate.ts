import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { generatedFiles } from './files.js'
import { defaultRuleOptions } from './rules/rule-files.js'
import { TimeScale } from './rules/time-scale.js'

export const GENERATE_HELP = `npm run observability                          writes the generated files of observability/
npm run observability -- --out DIR             writes them elsewhere, for a deployment
  --runbooks URL      runbooks are at URL/NAME.md
  --dashboards URL    of Grafana: dashboards are at URL/d/UID
  --time-scale N      divides windows, "for" and thresholds of age, for a drill
`

/**
 * `npm run observability`.
 * @param root of the checkout
 * @throws Error for arguments that cannot be understood
 */
export function generate(root: string, args: readonly string[]): readonly string[] {
  const { values } = parseArgs({
    args: [...args],
    options: {
      out: { type: 'string' },
      runbooks: { type: 'string' },
      dashboards: { type: 'string' },
      'time-scale': { type: 'string' },
    },
  })
  const isChanged = values.runbooks ?? values.dashboards ?? values['time-scale']
  if (isChanged !== undefined && values.out === undefined) {
    throw new Error('what is committed has the placeholders: name another directory with --out')
  }
  const out = values.out ?? join(root, 'observability')
  const files = generatedFiles({
    runbookBaseUrl: urlOf(values.runbooks, defaultRuleOptions.runbookBaseUrl),
    dashboardBaseUrl: urlOf(values.dashboards, defaultRuleOptions.dashboardBaseUrl),
    time: new TimeScale(Number(values['time-scale'] ?? 1)),
  })
  return [...files].map(([path, text]) => {
    const file = join(out, path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
    return file
  })
}

function urlOf(asked: string | undefined, otherwise: string): string {
  if (asked !== undefined && !URL.canParse(asked)) throw new Error(`${asked} is no URL`)
  return asked ?? otherwise
}
