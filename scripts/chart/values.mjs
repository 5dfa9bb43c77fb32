import { parse } from 'yaml'

/**
 * A key of values.yaml.
 * @typedef {object} Value
 * @property {readonly string[]} path
 * @property {unknown} value its default
 * @property {string | undefined} meaning of its "# --" comment; what is below such a key belongs to it
 * @property {string | undefined} intro of the plain comment above a key that has only keys below it
 */

/**
 * Comments are read by lines, because a YAML reader hangs the first one of a map on the map.
 * @param {string} text values.yaml: block maps with two spaces each
 * @returns {readonly Value[]} all keys of block maps, in the order of the file
 */
export function valuesOf(text) {
  const root = parse(text)
  /** @type {string[]} */
  let path = []
  /** @type {string[]} */
  let comment = []
  /** @type {Value[]} */
  const found = []
  for (const line of text.split('\n')) {
    const remark = /^ *#( .*)?$/.exec(line)
    if (remark) {
      comment.push((remark[1] ?? '').slice(1))
      continue
    }
    const key = /^( *)("?)([\w.-]+)\2:( |$)/.exec(line)
    if (key) {
      const depth = (key[1] ?? '').length / 2
      path = [...path.slice(0, depth), key[3] ?? '']
      const value = valueAt(root, path)
      if (value !== undefined) found.push({ path, value, ...meaningOf(comment) })
    }
    comment = []
  }
  return found
}

/** @param {readonly string[]} comment */
function meaningOf(comment) {
  const first = comment.findIndex((line) => line.startsWith('-- '))
  const text = (/** @type {readonly string[]} */ lines) =>
    lines.join(' ').replace(/^-- /, '').trim() || undefined
  // A paragraph of its own, above an empty remark, is the file's.
  const last = comment.lastIndexOf('')
  return first >= 0
    ? { meaning: text(comment.slice(first)), intro: text(comment.slice(last + 1, first)) }
    : { meaning: undefined, intro: text(comment.slice(last + 1)) }
}

/**
 * @param {unknown} root
 * @param {readonly string[]} path
 * @returns {unknown} undefined where there is none: inside of a list, for instance
 */
export function valueAt(root, path) {
  let value = root
  for (const key of path) {
    if (value === null || typeof value !== 'object' || Array.isArray(value)) return undefined
    value = /** @type {Record<string, unknown>} */ (value)[key]
  }
  return value
}

/** The key that all components share, and the components. */
export const COMMON = 'common'
export const COMPONENTS = /** @type {const} */ ([
  ...['gateway', 'wal', 'verifier', 'signal-scoring', 'dedup'],
  ...['agent', 'redis', 'postgresql', 'jaeger', 'tools'],
])

/**
 * @param {readonly Value[]} values
 * @returns {readonly string[]} a sentence for each that says nothing of itself
 */
export function undocumented(values) {
  const documented = new Set(values.filter(({ meaning }) => meaning).map(({ path }) => path.join('.')))
  const isCovered = (/** @type {readonly string[]} */ path) =>
    path.some((_, end) => documented.has(path.slice(0, end + 1).join('.')))
  const isSection = (/** @type {unknown} */ value) =>
    value !== null && typeof value === 'object' && !Array.isArray(value) && Object.keys(value).length > 0
  return values
    .filter(({ path, value }) => {
      if (isCovered(path)) return false
      const [first = '', ...rest] = path
      if (COMPONENTS.some((name) => name === first) && isCovered([COMMON, ...rest])) return false
      return !isSection(value)
    })
    .map(({ path }) => `${path.join('.')} has no "# --" comment`)
}
