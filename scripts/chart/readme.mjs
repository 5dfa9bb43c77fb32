import { COMMON, COMPONENTS } from './values.mjs'

/** @typedef {import('./values.mjs').Value} Value */

const MARK = '<!-- values: made by npm run generate:chart -->'

/**
 * README.md of the chart: what people wrote up to the mark, then every value.
 * @param {string} present
 * @param {readonly Value[]} values
 */
export function readmeText(present, values) {
  const [written = ''] = present.split(MARK)
  const sections = [...new Set(values.map(({ path }) => path[0] ?? ''))]
  return `${written}${MARK}\n\n${sections.map((name) => section(name, values)).join('\n')}`
}

/**
 * @param {string} name
 * @param {readonly Value[]} values
 */
function section(name, values) {
  const own = values.filter(({ path }) => path[0] === name)
  const [head] = own
  const rows = own.filter(({ path, meaning }) => meaning !== undefined || isOverride(path, own, values))
  const title = own.length > 1 || head?.meaning === undefined ? `### ${name}\n\n` : ''
  const intro = head?.intro && own.length > 1 ? `${head.intro}\n\n` : ''
  const lines = rows.map((value) => `| ${row(value, values)} |\n`).join('')
  const table = `| value | default | meaning |\n|---|---|---|\n${lines}`
  return `${title || `### ${name}\n\n`}${intro}${table}`
}

/**
 * A default of a component that differs from what all have.
 * @param {readonly string[]} path
 * @param {readonly Value[]} own
 * @param {readonly Value[]} values
 */
function isOverride(path, own, values) {
  const [first = '', ...rest] = path
  if (!COMPONENTS.some((name) => name === first) || rest.length === 0) return false
  const shared = sharedOf(rest, values)
  if (shared?.meaning === undefined) return false
  // Not a second time for what is below it.
  const above = own.find(
    ({ path: other }) => other.length < path.length && startsWith(path, other) && other.length > 1,
  )
  return above === undefined || sharedOf(above.path.slice(1), values)?.meaning === undefined
}

/**
 * @param {readonly string[]} rest
 * @param {readonly Value[]} values
 */
function sharedOf(rest, values) {
  const key = [COMMON, ...rest].join('.')
  return values.find(({ path }) => path.join('.') === key)
}

/**
 * @param {readonly string[]} path
 * @param {readonly string[]} start
 */
function startsWith(path, start) {
  return start.every((key, index) => path[index] === key)
}

/**
 * @param {Value} value
 * @param {readonly Value[]} values
 */
function row({ path, value, meaning }, values) {
  const shared = sharedOf(path.slice(1), values)?.meaning
  const text = meaning ?? `${shared}`
  return [`\`${path.join('.')}\``, `\`${JSON.stringify(value)}\``, text]
    .map((cell) => cell.replaceAll('|', '\\|'))
    .join(' | ')
}
