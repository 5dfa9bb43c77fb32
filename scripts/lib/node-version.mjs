/** The lowest version of Node that the product runs on: `engines` in package.json says the same. */
const LOWEST = { major: 20, minor: 17 }

/**
 * @param {string} version as `process.versions.node` has it
 * @returns {string | undefined} a sentence that says what to do where the version is too old
 */
export function nodeMistake(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major > LOWEST.major || (major === LOWEST.major && minor >= LOWEST.minor)) return undefined
  return `Node ${version} is too old: install ${LOWEST.major}.${LOWEST.minor} or newer (20, 22 and 24 are tested)`
}
