import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { openApiDocument } from '@fractal-lba/http-api'
import type { Answers } from './answers.js'
import { HEAD, HTML_TYPE, pageFields } from './pages/layout.js'
import type { RouteDefinition } from './route.js'

const require = createRequire(import.meta.url)

/** Swagger UI as @fastify/swagger-ui brings it. Its files are served from here: closed networks reach no CDN. */
const asset = (name: string): Buffer => readFileSync(require.resolve(`@fastify/swagger-ui/static/${name}`))

const START = `SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#swagger-ui',
  deepLinking: true,
  displayRequestDuration: true,
  defaultModelsExpandDepth: 1,
  validatorUrl: null,
})
const dark = matchMedia('(prefers-color-scheme: dark)')
const follow = () => document.documentElement.classList.toggle('dark-mode', dark.matches)
dark.addEventListener('change', follow)
follow()
`

const STYLE = `
body { margin: 0; background: #fff; }
html.dark-mode, html.dark-mode body { background: #1c2022; }
nav { max-width: 1460px; margin: 0 auto; padding: 1rem 20px 0; font: 14px/1.5 system-ui, sans-serif; }
nav a { color: #0b5fb0; }
html.dark-mode nav a { color: #7db8f2; }
.swagger-ui .info { margin: 1.5rem 0; }
.swagger-ui .scheme-container { padding: 1rem 0; }
`

const PAGE = `<!doctype html>
<html lang="en">
<head>
${HEAD}
<title>Fractal LBA: HTTP interface</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
<link rel="stylesheet" href="/docs/docs.css">
</head>
<body>
<nav><a href="/">← Home</a></nav>
<div id="swagger-ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
`

/** Scripts from here only; the viewer sets styles on its elements and draws its icons from data. */
const PAGE_FIELDS = pageFields(
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'",
)

const CACHED = ['Cache-Control', 'public, max-age=3600'] as const

/** `/openapi.json` and, at `/docs`, the same for people. */
export function docsRoutes(answers: Answers): readonly RouteDefinition[] {
  const constant = (
    url: string,
    type: string,
    body: string | Buffer,
    fields: readonly string[],
  ): RouteDefinition => ({
    method: 'GET',
    url,
    handle: (request, reply) => answers.send(request, reply, { status: 200, type, body, fields }),
  })
  const script = 'text/javascript; charset=utf-8'
  const style = 'text/css; charset=utf-8'
  return [
    constant('/openapi.json', 'application/json', JSON.stringify(openApiDocument, null, 2), []),
    constant('/docs', HTML_TYPE, PAGE, PAGE_FIELDS),
    constant('/docs/start.js', script, START, CACHED),
    constant('/docs/docs.css', style, STYLE, CACHED),
    constant('/docs/swagger-ui-bundle.js', script, asset('swagger-ui-bundle.js'), CACHED),
    constant('/docs/swagger-ui.css', style, asset('swagger-ui.css'), CACHED),
  ]
}
