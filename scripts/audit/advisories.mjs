/**
 * @typedef {object} Advisories
 * @property {readonly string[]} grave of what is shipped, high or critical: a sentence each
 * @property {readonly string[]} others
 */

const GRAVE = new Set(['high', 'critical'])

/**
 * What `npm audit --json` says.
 * @param {string} text
 * @returns {Advisories | undefined} undefined: the registry was not asked, or has no answer
 */
export function advisoriesOf(text) {
  /** @type {{ vulnerabilities?: Record<string, { name: string, severity: string, range: string, via: unknown[] }> }} */
  let report
  try {
    report = JSON.parse(text)
  } catch {
    return undefined
  }
  if (report.vulnerabilities === undefined) return undefined
  const found = Object.values(report.vulnerabilities)
  const sentence = (/** @type {typeof found[number]} */ { name, severity, range, via }) =>
    `${name} ${range}: ${severity}${titlesOf(via)}`
  return {
    grave: found.filter(({ severity }) => GRAVE.has(severity)).map(sentence),
    others: found.filter(({ severity }) => !GRAVE.has(severity)).map(sentence),
  }
}

/** @param {unknown[]} via */
function titlesOf(via) {
  const titles = via.flatMap((one) =>
    typeof one === 'object' && one !== null && 'title' in one ? [String(one.title)] : [],
  )
  return titles.length === 0 ? '' : ` (${titles.join('; ')})`
}
