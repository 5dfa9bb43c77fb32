import { LOWEST } from '../lib/node-version.mjs'

const COMPARATOR = /^(>=|\^|~)? ?(\d+)(?:\.(\d+))?(?:\.\d+)?(?:\.[x*])*$/

/**
 * A package that does not declare the lowest version of Node that the product promises is one that its authors do not
 * test there.
 * @param {string} lockText package-lock.json
 * @returns {string | undefined} a sentence that names the packages
 */
export function lockEngines(lockText) {
  /** @type {{ packages: Record<string, { version?: string, engines?: { node?: string } }> }} */
  const { packages } = JSON.parse(lockText)
  const others = Object.entries(packages)
    .filter(([, { engines }]) => engines?.node !== undefined && !admitsLowest(engines.node))
    .map(([place, { version, engines }]) => `${place} ${version} (${engines?.node})`)
  if (others.length === 0) return undefined
  return `not for Node ${LOWEST.major}.${LOWEST.minor}: ${others.join(', ')}`
}

/**
 * @param {string} range alternatives of comparators with a space between them, as npm reads it
 * @returns {boolean} false also for a form that is not known here
 */
function admitsLowest(range) {
  return range.split('||').some((alternative) => {
    const comparators = alternative
      .trim()
      .replaceAll(/([>=<^~]) +/g, '$1')
      .split(/ +/)
    return comparators.every(admits)
  })
}

/** @param {string} comparator */
function admits(comparator) {
  if (comparator === '*') return true
  const [, operator, major, minor = '0'] = comparator.match(COMPARATOR) ?? []
  if (major === undefined) return false
  const isNewEnough = LOWEST.major > Number(major) || LOWEST.minor >= Number(minor)
  if (operator === '>=') return LOWEST.major >= Number(major) && isNewEnough
  return LOWEST.major === Number(major) && isNewEnough
}
