const LINES_MAX = 400

/**
 * @param {readonly import('./sources.mjs').Source[]} files
 * @returns {string | undefined} a sentence when a file is longer than a concept should be
 */
export function tooLong(files) {
  const long = files
    .map(({ path, text }) => ({ path, lines: text.split('\n').length - (text.endsWith('\n') ? 1 : 0) }))
    .filter(({ lines }) => lines > LINES_MAX)
    .map(({ path, lines }) => `${path} (${lines})`)
  return long.length === 0 ? undefined : `longer than ${LINES_MAX} lines: ${long.join(', ')}`
}
