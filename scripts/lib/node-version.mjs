/** The lowest version of Node that the product runs on: `engines` in package.json says the same. */
export const LOWEST = { major: 20, minor: 19 }

/** The versions that the tests run on, as the workflow lists them. */
export const TESTED = ['20.19', '22', '24', '26']

/**
 * @param {string} version as `process.versions.node` has it
 * @returns {string | undefined} a sentence that says what to do where the version is too old
 */
export function nodeMistake(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major > LOWEST.major || (major === LOWEST.major && minor >= LOWEST.minor)) return undefined
  const wanted = `${LOWEST.major}.${LOWEST.minor} or newer (tested: ${TESTED.join(', ')})`
  return `Node ${version} is too old: install ${wanted}`
}
