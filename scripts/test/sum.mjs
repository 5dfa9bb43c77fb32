const LAST_LINE = /^(\d+) passed, (\d+) failed, (\d+) skipped$/

/**
 * @typedef {object} RunEnd
 * @property {number} code exit code
 * @property {string} output at least the last line of it
 * @property {boolean} [isOneTest] it counts as one test by its exit code, and closes with no such line
 *
 * @typedef {object} Sum
 * @property {number} passed
 * @property {number} failed
 * @property {number} skipped
 */

/**
 * The sum of several runs from the last line of each; of one that is a test by itself from its exit code. A run that did not close with such a line, or that failed without
 * naming what, counts as one failed.
 *
 * @param {readonly RunEnd[]} ends
 * @returns {Sum}
 */
export function sumOf(ends) {
  const sum = { passed: 0, failed: 0, skipped: 0 }
  for (const { code, output, isOneTest } of ends) {
    if (isOneTest) {
      sum[code === 0 ? 'passed' : 'failed'] += 1
      continue
    }
    const found = LAST_LINE.exec(output.trimEnd().split('\n').at(-1) ?? '')
    const failed = found === null ? 0 : Number(found[2])
    sum.passed += found === null ? 0 : Number(found[1])
    sum.skipped += found === null ? 0 : Number(found[3])
    sum.failed += failed === 0 && (found === null || code !== 0) ? 1 : failed
  }
  return sum
}

/** @param {Sum} sum */
export function sumText({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`
}
