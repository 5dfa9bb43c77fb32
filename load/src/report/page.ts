import type { Sample } from '../run/sampler.js'
import { formOf, type PastRun } from './history.js'
import { type Curve, escapeHtml, figureText, renderPlot } from './plot.js'
import { cpuOfProduct, isSound, perSecondOf, type RunReport } from './report.js'

const P95_MAX_MS = 200

/** The page of a run: self-contained, no script, nothing from elsewhere. */
export function renderPage(report: RunReport, history: readonly PastRun[]): string {
  const { run, startedAt, commit, machine, tool, target, latency } = report
  const verdict = isSound(report) ? 'every gate held, every record is accounted for' : 'NOT SOUND: see below'
  const tiles = [
    ['submissions a second', figureText(perSecondOf(report))],
    ['submissions', figureText(report.submissions)],
    ...(['p50', 'p95', 'p99'] as const).map((name) => [`${name}, ms`, figureText(latency[`${name}Ms`])]),
    ['CPU µs a submission, product', figureText(cpuOfProduct(report))],
  ]
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>load ${escapeHtml(run)}, ${escapeHtml(startedAt)}</title><style>${STYLE}</style></head><body><main>
<h1>${escapeHtml(run)} <small>${escapeHtml(formOf(report))}</small></h1>
<p class="${isSound(report) ? 'good' : 'bad'}">${escapeHtml(verdict)}</p>
<p>${escapeHtml(`${startedAt}; commit ${commit}; ${tool}; ${target}`)}<br>${escapeHtml(`${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB; Node ${machine.node}; ${machine.kernel}; logs on ${machine.fileSystem}; load before ${machine.loadBefore.toFixed(1)}`)}</p>
<ul class="tiles">${tiles.map(([name = '', value = '']) => `<li><b>${value}</b>${escapeHtml(name)}</li>`).join('')}</ul>
<div class="plots">${plotsOf(report, history).join('\n')}</div>
${report.parts.length > 0 ? partsTable(report) : ''}
<h2>Gates</h2>${table(
    ['gate', 'limit', ''],
    report.gates.map(({ name, limit, holds }) => [name, limit, holds ? 'held' : 'NOT HELD']),
  )}
<h2>The account</h2><p>What was sent, and what the product's metrics and log say of it.</p>${table(
    ['', 'sent', 'seen', ''],
    report.account.map(({ what, sent, seen, agrees }) => [
      what,
      figureText(sent),
      figureText(seen),
      agrees ? 'agrees' : 'DIFFERS',
    ]),
  )}
<h2>Processes</h2>${table(
    [
      '',
      'CPU µs a submission',
      'cores, mean',
      'memory MiB, max',
      'descriptors, max',
      'memory, last quarter / second',
    ],
    report.processes.map((process) => [
      process.name,
      figureText(process.cpuUsPerSubmission),
      process.coresMean.toFixed(2),
      process.memoryMiBMax === 0 ? '–' : figureText(process.memoryMiBMax),
      process.descriptorsMax === 0 ? '–' : figureText(process.descriptorsMax),
      process.memoryGrowth?.toFixed(3) ?? '–',
    ]),
  )}
</main></body></html>
`
}

function plotsOf(report: RunReport, history: readonly PastRun[]): string[] {
  const { run, seen, samples } = report
  const quantiles = ['p50', 'p95', 'p99'] as const
  const by = (of: (sample: Sample) => Readonly<Record<string, number>>): readonly Curve[] => {
    const names = [...new Set(samples.flatMap((sample) => Object.keys(of(sample))))]
    return names.map((name) => ({
      name,
      points: samples.map((sample) => [sample.second, of(sample)[name] ?? null] as const),
    }))
  }
  const form = formOf(report)
  const alike = history.filter((past) => past.run === run && past.form === form)
  return [
    {
      ...{ title: 'Latency as the generator saw it', unit: 'ms', limit: P95_MAX_MS },
      curves: quantiles.map((name) => ({
        name,
        points: seen.map((second) => [second.second, second[`${name}Ms`]] as const),
      })),
    },
    {
      ...{ title: 'Latency at the gateway', unit: 'ms, from its histogram', limit: P95_MAX_MS },
      curves: quantiles.map((name) => ({
        name,
        points: samples.map((sample) => [sample.second, sample[`${name}Ms`]] as const),
      })),
    },
    {
      ...{ title: 'Throughput', unit: 'submissions answered a second' },
      curves: [{ name: 'all', points: samples.map(({ second, perSecond }) => [second, perSecond] as const) }],
    },
    { title: 'Answers by status', unit: 'a second', curves: zeroed(by(({ answers }) => answers)) },
    { title: 'CPU by process', unit: 'cores', curves: by(({ cpu }) => cpu) },
    { title: 'Memory by process', unit: 'MiB, resident', curves: by(({ memoryMiB }) => memoryMiB) },
    { title: 'What waits', unit: 'items in queues', curves: by(({ queues }) => queues) },
    { title: 'Descriptors by process', unit: 'open', curves: by(({ descriptors }) => descriptors) },
    {
      ...{
        title: 'p95 of runs like this one',
        unit: `ms, ${run}, ${form}`,
        limit: P95_MAX_MS,
        hasDots: true,
      },
      curves: [{ name: 'p95', points: alike.map(({ p95Ms }, index) => [index, p95Ms] as const) }],
      xStretches: Math.max(1, Math.min(2, alike.length - 1)),
      xText: (x: number) => alike[Math.round(x)]?.startedAt.slice(0, 16).replace('T', ' ') ?? '',
    },
  ].map(renderPlot)
}

/** A status that was not answered in a second is 0 then, and no gap. */
function zeroed(curves: readonly Curve[]): readonly Curve[] {
  return curves.map(({ name, points }) => ({ name, points: points.map(([x, y]) => [x, y ?? 0] as const) }))
}

function partsTable({ parts }: RunReport): string {
  return `<h2>Parts</h2>${table(
    ['', 'asked /s', 'reached /s', 'count', 'failed', 'p50 ms', 'p95 ms', 'p99 ms', 'CPU µs each'],
    parts.map(({ name, asked, perSecond, count, failed, p50Ms, p95Ms, p99Ms, cpuUs }) => [
      name,
      ...[asked, perSecond, count, failed, p50Ms, p95Ms, p99Ms].map(figureText),
      cpuUs === undefined ? '–' : figureText(cpuUs),
    ]),
  )}`
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = (tag: string, row: readonly string[]): string =>
    `<tr>${row.map((cell) => `<${tag}${isBad(cell) ? ' class="bad"' : ''}>${escapeHtml(cell)}</${tag}>`).join('')}</tr>`
  return `<div class="wide"><table><thead>${cells('th', head)}</thead><tbody>${rows.map((row) => cells('td', row)).join('')}</tbody></table></div>`
}

function isBad(cell: string): boolean {
  return cell === 'NOT HELD' || cell === 'DIFFERS'
}

const STYLE = `
:root{color-scheme:light dark;--ink:#1d2330;--soft:#5b6475;--line:#d9dde5;--back:#fff;--good:#136c3a;--bad:#b3261e;
--p0:#2563c9;--p1:#c2570c;--p2:#8b2fb5;--p3:#0b7a6b;--p4:#b3261e;--p5:#7a6a00;--p6:#5b6475;--p7:#c01a77}
@media(prefers-color-scheme:dark){:root{--ink:#e7eaf0;--soft:#a3acbd;--line:#3a4150;--back:#161a22;--good:#5fd08f;--bad:#ff8a80;
--p0:#7fb0ff;--p1:#ffab6b;--p2:#d79bf2;--p3:#5fd8c5;--p4:#ff8a80;--p5:#e3cf5b;--p6:#a3acbd;--p7:#ff8cc6}}
body{margin:0;background:var(--back);color:var(--ink);font:15px/1.45 system-ui,sans-serif}
main{max-width:1360px;margin:0 auto;padding:20px}
h1{font-size:24px;margin:0}h2{font-size:18px;margin:28px 0 8px}small{color:var(--soft);font-weight:400}
.good{color:var(--good)}.bad{color:var(--bad);font-weight:600}
.tiles{list-style:none;padding:0;display:flex;flex-wrap:wrap;gap:10px 28px}.tiles b{display:block;font-size:22px}
.tiles li{color:var(--soft)}.tiles b{color:var(--ink)}
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,420px),1fr));gap:22px}
figure{margin:0}figcaption{font-weight:600;margin-bottom:4px}svg{width:100%;height:auto;display:block}
svg text{fill:var(--soft);font-size:12px}.grid{stroke:var(--line);fill:none}.limit{stroke:var(--bad);stroke-dasharray:5 4;fill:none}
.curve{fill:none;stroke-width:1.8;stroke-linejoin:round}
.legend{list-style:none;margin:4px 0 0;padding:0;display:flex;flex-wrap:wrap;gap:2px 14px;font-size:13px}
.legend i{display:inline-block;width:12px;height:3px;margin-right:5px;vertical-align:middle}
.plot-0{stroke:var(--p0);color:var(--p0)}.plot-1{stroke:var(--p1);color:var(--p1)}.plot-2{stroke:var(--p2);color:var(--p2)}
.plot-3{stroke:var(--p3);color:var(--p3)}.plot-4{stroke:var(--p4);color:var(--p4)}.plot-5{stroke:var(--p5);color:var(--p5)}
.plot-6{stroke:var(--p6);color:var(--p6)}.plot-7{stroke:var(--p7);color:var(--p7)}
.legend i{background:currentColor}.dot{fill:currentColor;stroke:none}
.wide{overflow-x:auto}table{border-collapse:collapse}th,td{padding:4px 12px 4px 0;text-align:right;border-bottom:1px solid var(--line)}
th{font-weight:600;vertical-align:bottom}th:first-child,td:first-child{text-align:left}
`
