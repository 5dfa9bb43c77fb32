import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type RunName, runNames } from '../run/options.js'
import { renderMarkdown } from './markdown.js'
import type { RunReport } from './report.js'

/** Runs whose figures mean nothing: a smoke is there for its answers. */
const WITHOUT_FIGURES: readonly RunName[] = ['smoke']

/** What load/REPORT.md says: the last whole run of each profile. @param reportDir where the runs have left their JSON */
export async function fullReport(reportDir: string): Promise<string> {
  const names = runNames.filter((name) => !WITHOUT_FIGURES.includes(name))
  const parts = await Promise.all(names.map(async (name) => partOf(name, await lastRun(reportDir, name))))
  const head = [
    '# Load: the last full results',
    '',
    'Made by `npm run load -- report` from the last whole run of each profile. What the profiles are and what is sent:',
    '[README.md](README.md). Absolute figures on a shared machine drift by a third within an hour; two versions are compared by',
    '`npm run bench -- --against`. Generator and product share the machine.',
  ]
  return `${head.join('\n')}\n\n${parts.join('\n')}`
}

function partOf(name: RunName, report: RunReport | undefined): string {
  if (report?.isWhole && !report.oneProcess) return renderMarkdown(report)
  return `## ${name}\n\nNot run as a whole yet: \`npm run load -- ${name}\`.\n`
}

async function lastRun(reportDir: string, name: RunName): Promise<RunReport | undefined> {
  try {
    return JSON.parse(await readFile(join(reportDir, `${name}.json`), 'utf8')) as RunReport
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}
