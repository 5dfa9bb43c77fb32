const HEADINGS = [
  ...['Symptoms', 'Impact', 'Causes', 'Diagnosis', 'Resolution', 'Prevention'],
  ...['Message template', 'Related'],
]
/** What a fence of shell says of itself: how its commands are tried. */
const MARKS = ['run', 'prometheus', 'store', 'host', 'kubectl']
const LIST = 'README.md'

/**
 * @typedef {object} Page
 * @property {string} name of a file in docs/runbooks
 * @property {string} text
 */

/**
 * Each runbook has all headings, in their order, and each of its fences of shell says how its commands are tried. Each
 * alert has its runbook, each runbook an alert, and the list names both.
 * @param {readonly Page[]} pages all of docs/runbooks
 * @param {readonly string[]} ruleFiles the alert rules as YAML; none while there are no rules
 * @returns {readonly string[]} a sentence for each mistake
 */
export function runbookMistakes(pages, ruleFiles) {
  const runbooks = pages.filter(({ name }) => name !== LIST)
  return [
    ...runbooks.flatMap(headingMistakes),
    ...pages.flatMap(fenceMistakes),
    ...linkMistakes(pages),
    ...(ruleFiles.length === 0 ? [] : alertMistakes(pages, runbookOfAlerts(ruleFiles.join('\n')))),
  ]
}

/** @param {Page} page */
function headingMistakes({ name, text }) {
  const headings = [...withoutFences(text).matchAll(/^## (.+)$/gm)].map(([, heading]) => heading)
  if (headings.join() === HEADINGS.join()) return []
  return [`${name} has not exactly the headings ${HEADINGS.join(', ')}`]
}

/** @param {Page} page */
function fenceMistakes({ name, text }) {
  return [...text.matchAll(/^```sh(?: (\S+))?.*$/gm)]
    .filter(([, mark = '']) => !MARKS.includes(mark))
    .map(([line]) => `${name}: "${line}" does not say how it is tried: ${MARKS.join(', ')}`)
}

/**
 * Links between runbooks.
 * @param {readonly Page[]} pages
 */
function linkMistakes(pages) {
  const names = new Set(pages.map(({ name }) => name))
  return pages.flatMap(({ name, text }) =>
    [...text.matchAll(/\]\(([\w-]+\.md)(?:#[\w-]+)?\)/g)]
      .filter(([, link = '']) => !names.has(link))
      .map(([, link]) => `${name} leads to ${link}, which is not there`),
  )
}

/**
 * @param {readonly Page[]} pages
 * @param {ReadonlyMap<string, string>} runbookOf the file of each alert
 */
function alertMistakes(pages, runbookOf) {
  const names = pages.map(({ name }) => name).filter((name) => name !== LIST)
  const list = pages.find(({ name }) => name === LIST)?.text ?? ''
  const used = new Set(runbookOf.values())
  const listed = new Set([...list.matchAll(/\bFLK\w+/g)].map(([alert]) => alert))
  return [
    ...[...runbookOf].filter(([, file]) => !names.includes(file)).map(([alert]) => `${alert} has no runbook`),
    ...names.filter((name) => !used.has(name)).map((name) => `${name} belongs to no alert`),
    ...[...runbookOf.keys()]
      .filter((alert) => !listed.has(alert))
      .map((alert) => `${LIST} does not name ${alert}`),
    ...[...listed].filter((alert) => !runbookOf.has(alert)).map((alert) => `${LIST}: there is no ${alert}`),
    ...[...runbookOf]
      .filter(([alert, file]) => names.includes(file) && !textOf(pages, file).includes(alert))
      .map(([alert, file]) => `${file} does not name ${alert}`),
  ]
}

/**
 * @param {string} rules YAML
 * @returns {Map<string, string>} the file of each alert's runbook
 */
function runbookOfAlerts(rules) {
  const parts = rules.split(/^ *- alert: /m).slice(1)
  return new Map(
    parts.map((part) => [
      part.slice(0, part.indexOf('\n')).trim(),
      /runbook_url: .*\/([\w-]+\.md)/.exec(part)?.[1] ?? '',
    ]),
  )
}

/**
 * @param {readonly Page[]} pages
 * @param {string} wanted
 */
function textOf(pages, wanted) {
  return pages.find(({ name }) => name === wanted)?.text ?? ''
}

/** @param {string} markdown */
function withoutFences(markdown) {
  return markdown.replace(/^```.*?^```$/gms, '')
}
