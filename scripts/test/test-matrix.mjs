import { posix } from 'node:path'

/** A link, and the titles in straight quotes that follow it. */
const CITED = /\[[^\]]+\]\(([^)\s]+)\)((?:(?:,| and)? "[^"]+")*)/g
const IS_TEST = /\.(test|e2e|fault|contract)\.(ts|mjs)$/

/**
 * What docs/test-matrix.md says of tests must be so: each linked source is there, each link to a file of tests is
 * followed by titles, and the file has a title that begins so. Each row of three cells has its control or says that
 * there is none.
 * @param {string} markdown docs/test-matrix.md
 * @param {readonly import('./sources.mjs').Source[]} files
 * @returns {readonly string[]} a sentence for each mistake
 */
export function matrixMistakes(markdown, files) {
  const textOf = new Map(files.map(({ path, text }) => [path, text]))
  return [...markdown.matchAll(/^\|(.+)\|$/gm)].flatMap(([, row = '']) => {
    const cells = row.split('|').map((cell) => cell.trim())
    const empty = cells.includes('') ? [`a row has an empty cell: ${cells[0]}`] : []
    return [
      ...empty,
      ...[...row.matchAll(CITED)].flatMap(([, link = '', quoted = '']) => linkMistakes(link, quoted)),
    ]
  })

  /**
   * @param {string} link relative to docs/
   * @param {string} quoted the titles behind it
   */
  function linkMistakes(link, quoted) {
    const path = posix.join('docs', link)
    if (path.endsWith('.md')) return []
    const text = textOf.get(path)
    if (text === undefined) return [`${path} is not there`]
    const titles = [...quoted.matchAll(/"([^"]+)"/g)].map(([, title = '']) => title)
    if (titles.length === 0 && IS_TEST.test(path)) return [`${path} is named without a title`]
    return titles.filter((title) => !hasTitle(text, title)).map((title) => `${path} has no title "${title}"`)
  }
}

/**
 * @param {string} text of a file of tests
 * @param {string} title the beginning of one
 */
function hasTitle(text, title) {
  return ["'", '`'].some((quote) => text.includes(quote + title))
}
