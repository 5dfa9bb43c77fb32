import { allProblems, type ProblemKind } from '@fractal-lba/http-api'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Answers } from '../answers.js'
import type { RouteDefinition } from '../route.js'
import { escapeHtml, HTML_TYPE, type Page, page } from './layout.js'

/** What `type` of a problem document leads to: a page for each kind, and a list of all. */
export function problemRoutes(
  answers: Answers,
  notFound: (request: FastifyRequest, reply: FastifyReply) => void,
): readonly RouteDefinition[] {
  const pages = new Map(allProblems.map((kind) => [kind.slug, kindPage(kind)]))
  const list = listPage()
  const send = (request: FastifyRequest, reply: FastifyReply, { html, fields }: Page): void =>
    answers.send(request, reply, { status: 200, type: HTML_TYPE, body: html, fields })
  return [
    { method: 'GET', url: '/problems', handle: (request, reply) => send(request, reply, list) },
    {
      method: 'GET',
      url: '/problems/:slug',
      only: new RegExp(`^/problems/(?:${[...pages.keys()].join('|')})$`),
      handle(request, reply) {
        const { slug } = request.params as { readonly slug: string }
        const found = pages.get(slug)
        if (found) send(request, reply, found)
        else notFound(request, reply)
      },
    },
  ]
}

function kindPage({ title, status, slug, meaning, remedy }: ProblemKind): Page {
  return page(
    title,
    `<code>/problems/${slug}</code>`,
    `<dl>
<dt>Status</dt><dd>${status}</dd>
<dt>What happened</dt><dd>${escapeHtml(meaning)}</dd>
<dt>What to do</dt><dd>${escapeHtml(remedy)}</dd>
</dl>
<p><a href="/problems">All problems</a></p>`,
  )
}

function listPage(): Page {
  const rows = [...allProblems]
    .sort((a, b) => a.status - b.status)
    .map(({ slug, status, title }) => {
      return `<tr><td>${status}</td><td><a href="/problems/${slug}"><code>${slug}</code></a></td><td>${escapeHtml(title)}</td></tr>`
    })
  return page(
    'Problems',
    'what an answer of type <code>application/problem+json</code> means',
    `<p>Every error of this gateway is a problem document (RFC 9457): <code>type</code> leads to one of these pages,
<code>detail</code> says what it was this time, <code>instance</code> is the id of the request, for whoever reads the
logs.</p>
<table>
<thead><tr><th>Status</th><th>Type</th><th>Title</th></tr></thead>
<tbody>
${rows.join('\n')}
</tbody>
</table>
<p><a href="/">Home</a></p>`,
  )
}
