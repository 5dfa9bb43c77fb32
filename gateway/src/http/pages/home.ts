import type { ReadyReport } from '@fractal-lba/runtime'
import type { Answers } from '../answers.js'
import type { RouteDefinition } from '../route.js'
import { escapeHtml, HTML_TYPE, page } from './layout.js'

const STATES = {
  ready: ['good', 'ready: takes and judges records'],
  degraded: ['fair', 'degraded: takes records; something behind the log is down or filling'],
  not_ready: ['bad', 'not ready: takes no records at the moment'],
} as const

/** `/`: what this is and where to go on, for a person who typed the address into a browser. */
export function homeRoute(answers: Answers, ready: () => Promise<ReadyReport>): RouteDefinition {
  return {
    method: 'GET',
    url: '/',
    handle(request, reply) {
      const origin = originOf(request.headers.host, request.headers['x-forwarded-proto'])
      ready().then(
        ({ status }) => {
          const { html, fields } = homePage(origin, status)
          answers.send(request, reply, { status: 200, type: HTML_TYPE, body: html, fields })
        },
        (error: unknown) => answers.fail(request, reply, error),
      )
    },
  }
}

function homePage(origin: string, status: ReadyReport['status']) {
  const [mood, sentence] = STATES[status]
  const link = (path: string, text: string) =>
    `<li><a href="${path}"><b>${path}</b><span>${text}</span></a></li>`
  return page(
    'Fractal LBA',
    'verification gateway for Proof-of-Computation Summaries',
    `<p>Agents send signed summaries of their computations. Each one is written to the log, verified, recomputed and
judged, once: its verdict is on the disk before it is told, and it never changes.</p>
<p><a class="state ${mood}" href="/ready">${sentence}</a></p>
<ul class="links">
${link('/docs', 'the HTTP interface, to read and try')}
${link('/openapi.json', 'the same for programs')}
${link('/problems', 'every error and what to do')}
${link('/ready', 'the state of each service')}
${link('/metrics', 'for Prometheus')}
${link('/health', 'whether this process is alive')}
</ul>
<h2>Try it</h2>
<p>An empty record, to see how mistakes are told:</p>
<pre tabindex="0">curl -sS ${origin}/v1/pcs/submit \\
  -H 'Content-Type: application/json' -d '{}'</pre>
<p>A record built from events and signed, from a checkout of the project with the agent’s key in <code>PCS_HMAC_KEY</code>:</p>
<pre tabindex="0">npx pcs build --in events.csv --shard-id shard-a --epoch 1 --seed 42 --sign \\
  | npx pcs submit --in - --endpoint ${origin}</pre>
<p>Its verdict, again, whenever you like:</p>
<pre tabindex="0">curl -sS ${origin}/v1/pcs/PCS_ID</pre>`,
  )
}

/** How the visitor reached us, for commands to paste; what has no plain form is not taken over. */
function originOf(host: string | undefined, proto: string | readonly string[] | undefined): string {
  const known =
    host !== undefined && /^[A-Za-z0-9.-]{1,253}(:\d{1,5})?$|^\[[0-9a-fA-F:.]{2,45}\](:\d{1,5})?$/.test(host)
  return escapeHtml(`${proto === 'https' ? 'https' : 'http'}://${known ? host : 'localhost:8080'}`)
}
