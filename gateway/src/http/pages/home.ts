import { type BasicAuth, mayReadMetrics, type ReadyReport } from '@fractal-lba/runtime'
import type { Duty } from '../../duty.js'
import type { MonitorView } from '../../monitor.js'
import { SAMPLES_MAX, type Sample } from '../../recent-minutes.js'
import type { Answers } from '../answers.js'
import { refuseWithoutCredentials } from '../credentials.js'
import type { RouteDefinition } from '../route.js'
import { findingsTable, timeText } from './findings.js'
import { escapeHtml, HTML_TYPE, page } from './layout.js'
import { Links, type LinkTargets } from './links.js'
import { plot } from './plot.js'
import { partsOf, servicesTable } from './services.js'

export interface HomeParts {
  readonly answers: Answers
  readonly ready: () => Promise<ReadyReport>
  /** As the last look has found it. */
  readonly view: () => MonitorView
  readonly duty: Pick<Duty, 'minutes' | 'findings'>
  readonly links: LinkTargets
  /** Who may see it: whoever may read the metrics. */
  readonly metricsAuth: BasicAuth | undefined
}

const STATES = {
  ready: ['good', 'ready: takes and judges records'],
  degraded: ['fair', 'degraded: takes records; something behind the log is down or filling'],
  not_ready: ['bad', 'not ready: takes no records at the moment'],
} as const

/** How often the page renews itself where that is asked for (`/?live`), seconds. */
const LIVE_EVERY_S = 5
const NO_STORE = ['Cache-Control', 'no-store'] as const

/** `/`: what a person on duty opens first, and for whoever typed the address into a browser what this is. */
export function homeRoute({
  answers,
  ready,
  view,
  duty,
  links: targets,
  metricsAuth,
}: HomeParts): RouteDefinition {
  const links = new Links(targets)
  return {
    method: 'GET',
    url: '/',
    fields: () => NO_STORE,
    handle(request, reply) {
      if (!mayReadMetrics(metricsAuth, request.headers.authorization)) {
        refuseWithoutCredentials(answers, request, reply)
        return
      }
      const origin = originOf(request.headers.host, request.headers['x-forwarded-proto'])
      const isLive = /\?live\b/.test(request.raw.url ?? '')
      ready().then(
        ({ status }) => {
          const main = [
            stateText(status, isLive),
            '<h2>The last five minutes</h2>',
            plotsOf(duty.minutes.samples),
            '<h2>Logs, services and store</h2>',
            servicesTable(partsOf(view()), links),
            '<h2>Refused, escalated, failed</h2>',
            findingsTable(duty.findings.list(), links),
            '<h2>Go on</h2>',
            goOn(links),
            '<h2>Try it</h2>',
            tryIt(origin),
          ].join('\n')
          const lead = 'verification gateway for Proof-of-Computation Summaries'
          const { html, fields } = page('Fractal LBA', lead, main, { isWide: true })
          const live = isLive ? ['Refresh', String(LIVE_EVERY_S)] : []
          answers.send(request, reply, {
            status: 200,
            type: HTML_TYPE,
            body: html,
            fields: [...fields, ...live],
          })
        },
        (error: unknown) => answers.fail(request, reply, error),
      )
    },
  }
}

function stateText(status: ReadyReport['status'], isLive: boolean): string {
  const [mood, sentence] = STATES[status]
  const renew = isLive ? '<a href="/">stand still</a>' : `<a href="/?live">renew every ${LIVE_EVERY_S} s</a>`
  return `<p><a class="state ${mood}" href="/ready">${sentence}</a></p>
<p class="quiet">as of ${timeText(Date.now())}, this gateway alone; ${renew}</p>`
}

function plotsOf(samples: readonly Sample[]): string {
  if (samples.length === 0) return '<p class="quiet">The first figures come in five seconds.</p>'
  const of = (read: (sample: Sample) => number | undefined) => samples.map(read)
  const perSecond = (value: number): string => `${figure(value)}/s`
  const ms = (value: number): string =>
    value >= 1_000 ? `${figure(value / 1_000)} s` : `${figure(value)} ms`
  const valuesMax = SAMPLES_MAX
  return `<div class="plots">
${plot({
  ...{ title: 'Submissions answered', valuesMax, text: perSecond },
  lines: [{ label: 'all', mood: 'accent', values: of(({ answeredPerSecond }) => answeredPerSecond) }],
})}
${plot({
  ...{ title: 'Refused and failed', valuesMax, text: perSecond },
  lines: [
    { label: 'refused (4xx)', mood: 'fair', values: of(({ refusedPerSecond }) => refusedPerSecond) },
    { label: 'failed (5xx)', mood: 'bad', values: of(({ failedPerSecond }) => failedPerSecond) },
  ],
})}
${plot({
  ...{ title: 'Time to the answer', valuesMax, text: ms },
  lines: [
    { label: 'p50', mood: 'good', values: of(({ p50Ms }) => p50Ms) },
    { label: 'p95', mood: 'accent', values: of(({ p95Ms }) => p95Ms) },
  ],
})}
${plot({
  ...{ title: 'Submissions without a mark', valuesMax, text: figure },
  lines: [{ label: 'open in all logs', mood: 'fair', values: of(({ open }) => open) }],
})}
</div>`
}

/** Three digits are enough for the eye. */
function figure(value: number): string {
  if (value >= 100 || Number.isInteger(value)) return Math.round(value).toLocaleString('en')
  return value.toPrecision(value >= 10 ? 3 : 2).replace(/\.?0+$/, '')
}

function goOn(links: Links): string {
  const elsewhere = [links.dashboard, links.runbooks].filter((link) => link !== undefined)
  const link = (path: string, text: string) =>
    `<li><a href="${path}"><b>${path}</b><span>${text}</span></a></li>`
  return `${elsewhere.length === 0 ? '' : `<p>${elsewhere.join(', ')}</p>\n`}<ul class="links">
${link('/docs', 'the HTTP interface, to read and try')}
${link('/openapi.json', 'the same for programs')}
${link('/problems', 'every error and what to do')}
${link('/ready', 'the state of each service')}
${link('/metrics', 'for Prometheus')}
${link('/health', 'whether this process is alive')}
</ul>`
}

function tryIt(origin: string): string {
  return `<p>Agents send signed summaries of their computations. Each one is written to the log, verified, recomputed and
judged, once: its verdict is on the disk before it is told, and it never changes. An empty record, to see how mistakes are told:</p>
<pre tabindex="0">curl -sS ${origin}/v1/pcs/submit \\
  -H 'Content-Type: application/json' -d '{}'</pre>
<p>A record built from events and signed, from a checkout of the project with the agent’s key in <code>PCS_HMAC_KEY</code>:</p>
<pre tabindex="0">npx pcs build --in events.csv --shard-id shard-a --epoch 1 --seed 42 --sign \\
  | npx pcs submit --in - --endpoint ${origin}</pre>
<p>Its verdict, again, whenever you like:</p>
<pre tabindex="0">curl -sS ${origin}/v1/pcs/PCS_ID</pre>`
}

/** How the visitor reached us, for commands to paste; what has no plain form is not taken over. */
function originOf(host: string | undefined, proto: string | readonly string[] | undefined): string {
  const known =
    host !== undefined && /^[A-Za-z0-9.-]{1,253}(:\d{1,5})?$|^\[[0-9a-fA-F:.]{2,45}\](:\d{1,5})?$/.test(host)
  return escapeHtml(`${proto === 'https' ? 'https' : 'http'}://${known ? host : 'localhost:8080'}`)
}
