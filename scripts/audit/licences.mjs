/** What may be shipped without asking anybody: whoever has the product must be able to give it on as they like. */
const SHIPPED = new Set([
  ...[
    '0BSD',
    'Apache-2.0',
    'BlueOak-1.0.0',
    'BSD-2-Clause',
    'BSD-3-Clause',
    'CC0-1.0',
    'ISC',
    'MIT',
    'MIT-0',
  ],
  'Unlicense',
])
/** Beside, for what only builds and tests: changes to such a package itself would have to be published. */
const DEVELOPMENT = new Set(['MPL-2.0'])

/**
 * @typedef {object} Locked
 * @property {string} [version]
 * @property {string} [license]
 * @property {boolean} [dev]
 * @property {boolean} [link] one of this repository
 */

/**
 * @param {string} lockText package-lock.json
 * @param {(place: string) => string | undefined} installed the licence in the package.json of a place, where it is installed
 * @returns {readonly string[]} a sentence for each package whose licence nobody has allowed
 */
export function licenceMistakes(lockText, installed = () => undefined) {
  /** @type {{ packages: Record<string, Locked> }} */
  const { packages } = JSON.parse(lockText)
  return Object.entries(packages).flatMap(([place, { version, license, dev = false, link }]) => {
    if (link || !place.includes('node_modules/')) return []
    const name = `${place.replace(/^.*node_modules\//, '')} ${version}`
    const own = installed(place)
    if (license !== undefined && own !== undefined && own !== license) {
      return [`${name} says ${own} of itself, and package-lock.json says ${license}`]
    }
    const found = own ?? license
    if (found === undefined) return [`${name} names no licence`]
    return isAllowed(found, dev) ? [] : [`${name} has the licence ${found}, which is not on the list`]
  })
}

/**
 * An SPDX expression of alternatives and of what holds together; anything else is not allowed.
 * @param {string} expression
 * @param {boolean} isDev
 */
function isAllowed(expression, isDev) {
  const alternatives = expression.replace(/^\((.*)\)$/, '$1').split(' OR ')
  return alternatives.some((alternative) =>
    alternative.split(' AND ').every((one) => SHIPPED.has(one) || (isDev && DEVELOPMENT.has(one))),
  )
}
