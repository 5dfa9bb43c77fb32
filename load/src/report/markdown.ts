import { capacityOf } from '../run/open-loop-runs.js'
import { formOf } from './history.js'
import { figureText } from './plot.js'
import { cpuOfProduct, isSound, perSecondOf, type RunReport } from './report.js'

/** The summary of a run for people who read text. */
export function renderMarkdown(report: RunReport): string {
  const { run, startedAt, commit, machine, tool, target, latency, shares, kinds, answers } = report
  const held = isSound(report) ? 'Every gate held, every record is accounted for.' : '**Not sound.**'
  const lines = [
    `## ${run} (${formOf(report)})`,
    '',
    `${startedAt}, commit ${commit}, ${tool}, ${target}. ${held}`,
    '',
    '| figure | |',
    '|---|---|',
    `| submissions | ${figureText(report.submissions)} in ${figureText(report.elapsedMs / 1_000)} s: ${figureText(perSecondOf(report))}/s |`,
    `| latency | p50 ${figureText(latency.p50Ms)}, p95 ${figureText(latency.p95Ms)}, p99 ${figureText(latency.p99Ms)}, max ${figureText(latency.maxMs)} ms |`,
    `| sent | ${counts(kinds)} |`,
    `| answers | ${counts(answers)} |`,
    ...Object.entries(shares).map(([name, share]) => `| ${name} | ${(100 * share).toFixed(2)} % |`),
    `| CPU, product | ${figureText(cpuOfProduct(report))} µs a submission |`,
    `| machine | ${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB; Node ${machine.node}; ${machine.kernel}; logs on ${machine.fileSystem}; load before ${machine.loadBefore.toFixed(1)} |`,
    '',
    ...(report.parts.length === 0 ? [] : partLines(report)),
    '| process | CPU µs a submission | cores, mean | memory MiB, max | descriptors, max | memory, last quarter / second |',
    '|---|---|---|---|---|---|',
    ...report.processes.map(
      (process) =>
        `| ${process.name} | ${figureText(process.cpuUsPerSubmission)} | ${process.coresMean.toFixed(2)} | ${process.memoryMiBMax === 0 ? '–' : figureText(process.memoryMiBMax)} | ${process.descriptorsMax === 0 ? '–' : figureText(process.descriptorsMax)} | ${process.memoryGrowth?.toFixed(3) ?? '–'} |`,
    ),
    '',
    ...report.gates.map(
      ({ name, limit, holds }) => `- ${holds ? 'held' : '**not held**'}: ${name}, ${limit}`,
    ),
    ...report.account
      .filter(({ agrees }) => !agrees)
      .map(({ what, sent, seen }) => `- **differs**: ${what}: ${sent} sent, ${seen} seen`),
  ]
  return `${lines.join('\n').trimEnd()}\n`
}

function partLines({ run, parts }: RunReport): string[] {
  return [
    '| part | asked /s | reached /s | failed | p50 ms | p95 ms | p99 ms | CPU µs each |',
    '|---|---|---|---|---|---|---|---|',
    ...parts.map(({ name, asked, perSecond, failed, p50Ms, p95Ms, p99Ms, cpuUs }) => {
      const figures = [asked, perSecond, failed, p50Ms, p95Ms, p99Ms].map(figureText)
      const cells = [...figures, cpuUs === undefined ? '–' : figureText(cpuUs)]
      return `| ${name} | ${cells.join(' | ')} |`
    }),
    '',
    ...(run === 'capacity'
      ? [`The highest rate that holds p99 below 200 ms: ${capacityOf(parts)?.name ?? 'none'}.`, '']
      : []),
  ]
}

function counts(of: Readonly<Record<string, number>>): string {
  return Object.entries(of)
    .map(([name, count]) => `${name} ${figureText(count)}`)
    .join(', ')
}
