import { hash } from 'node:crypto'

/** A page: everything is in it, nothing is loaded, no script runs. */
export interface Page {
  readonly html: string
  /** Header fields that belong to it. */
  readonly fields: readonly string[]
}

const STYLE = `
:root {
  color-scheme: light dark;
  --ground: light-dark(#f6f7f9, #0f1216);
  --sheet: light-dark(#ffffff, #171b21);
  --line: light-dark(#dfe3e8, #2a313a);
  --text: light-dark(#1c232b, #e4e8ed);
  --quiet: light-dark(#5a6673, #98a3b0);
  --accent: light-dark(#0b5fb0, #7db8f2);
  --code: light-dark(#eef1f4, #0b0e12);
  --good: light-dark(#14713d, #6fd19a);
  --fair: light-dark(#8a5a00, #e8b65a);
  --bad: light-dark(#b3261e, #f2938c);
}
* { box-sizing: border-box; }
body {
  margin: 0; padding: clamp(1.25rem, 4vw, 3rem) 1.25rem; background: var(--ground); color: var(--text);
  font: 16px/1.6 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif;
}
main { max-width: 48rem; margin: 0 auto; }
header { display: flex; gap: 1rem; align-items: center; margin-bottom: 1.75rem; }
header svg { flex: none; width: 3.25rem; height: 3.25rem; color: var(--accent); }
h1 { margin: 0; font-size: 1.7rem; line-height: 1.25; letter-spacing: -0.01em; }
h2 { margin: 1.75rem 0 0.5rem; font-size: 1.1rem; }
p { margin: 0.5rem 0; max-width: 42rem; }
.quiet { color: var(--quiet); }
a { color: var(--accent); text-underline-offset: 0.2em; }
a:focus-visible, pre:focus-visible, .scroll:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
code, pre { font-family: ui-monospace, "Cascadia Code", Menlo, Consolas, "Liberation Mono", monospace; font-size: 0.875rem; }
pre {
  margin: 0.6rem 0; padding: 0.85rem 1rem; background: var(--code); border: 1px solid var(--line);
  border-radius: 0.6rem; overflow-x: auto; user-select: all;
}
.state { display: inline-flex; gap: 0.5em; align-items: center; font-weight: 600; text-decoration: none; }
.state::before { content: ""; flex: none; width: 0.65em; height: 0.65em; border-radius: 50%; background: currentColor; }
.good { color: var(--good); } .fair { color: var(--fair); } .bad { color: var(--bad); }
.links { display: grid; grid-template-columns: repeat(auto-fill, minmax(13.5rem, 1fr)); gap: 0.75rem; padding: 0; margin: 1.25rem 0; list-style: none; }
.links a {
  display: block; height: 100%; padding: 0.7rem 1rem; background: var(--sheet); border: 1px solid var(--line);
  border-radius: 0.6rem; text-decoration: none; color: inherit;
}
.links a:hover { border-color: var(--accent); }
.links b { display: block; color: var(--accent); font-weight: 600; }
.links span { display: block; line-height: 1.4; font-size: 0.875rem; color: var(--quiet); }
dl { margin: 1.25rem 0; padding: 0.25rem 1.1rem; background: var(--sheet); border: 1px solid var(--line); border-radius: 0.6rem; }
dt { margin-top: 0.8rem; font-size: 0.85rem; color: var(--quiet); }
dd { margin: 0 0 0.8rem; }
table { width: 100%; border-collapse: collapse; margin: 1.25rem 0; }
th, td { padding: 0.5rem 0.75rem 0.5rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
th { font-size: 0.85rem; font-weight: 500; color: var(--quiet); }
td:first-child { font-variant-numeric: tabular-nums; }
main.wide { max-width: 72rem; }
.scroll { overflow-x: auto; }
.scroll table { margin: 0.5rem 0; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(15rem, 1fr)); gap: 0.75rem; }
.plot { margin: 0; padding: 0.6rem 0.9rem; background: var(--sheet); border: 1px solid var(--line); border-radius: 0.6rem; }
.plot figcaption { display: flex; justify-content: space-between; font-size: 0.875rem; font-weight: 600; }
.plot figcaption .quiet { font-weight: 400; }
.plot svg { display: block; width: 100%; height: auto; overflow: visible; }
.plot path { fill: none; stroke: currentColor; stroke-width: 1.75; stroke-linejoin: round; stroke-linecap: round; }
.plot circle { fill: currentColor; }
.plot .grid { color: var(--line); stroke-width: 1; }
.accent { color: var(--accent); }
.now { display: flex; flex-wrap: wrap; gap: 0 1rem; font-size: 0.8rem; color: var(--quiet); }
.now b { color: var(--text); font-variant-numeric: tabular-nums; }
.now i { display: inline-block; width: 0.6em; height: 0.6em; margin-right: 0.35em; border-radius: 50%; background: currentColor; }
`

const ICON_PATH = 'M16 3 30 28H2Zm0 25 7-12.5H9Z'
const ICON = `<svg viewBox="0 0 32 32" aria-hidden="true"><path fill="currentColor" fill-rule="evenodd" d="${ICON_PATH}"/></svg>`
const FAVICON = `data:image/svg+xml,${encodeURIComponent(
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><path fill="#2f7fd0" fill-rule="evenodd" d="${ICON_PATH}"/></svg>`,
)}`

/** For the head of every page. */
export const HEAD = `<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="${FAVICON}">`

export const HTML_TYPE = 'text/html; charset=utf-8'

/** Header fields of a page, beside its policy. */
export function pageFields(policy: string): readonly string[] {
  const always = "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
  return ['Content-Security-Policy', `${policy}; ${always}`, 'Referrer-Policy', 'no-referrer']
}

const FIELDS = pageFields(
  `default-src 'none'; style-src 'sha256-${hash('sha256', STYLE, 'base64')}'; img-src data:`,
)

/** @param main HTML; what comes from outside goes through escapeHtml first */
export function page(title: string, lead: string, main: string, { isWide = false } = {}): Page {
  const html = `<!doctype html>
<html lang="en">
<head>
${HEAD}
<title>${escapeHtml(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main${isWide ? ' class="wide"' : ''}>
<header>${ICON}<div><h1>${escapeHtml(title)}</h1><div class="quiet">${lead}</div></div></header>
${main}
</main>
</body>
</html>
`
  return { html, fields: FIELDS }
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '')
}
