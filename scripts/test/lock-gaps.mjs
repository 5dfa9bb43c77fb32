/**
 * A registry that lacks a package for some other kind of machine makes npm write a lock file without it, and
 * `npm ci` refuses such a file everywhere.
 * @param {string} lockText package-lock.json
 * @returns {string | undefined} a sentence that names what is missing
 */
export function lockGaps(lockText) {
  /** @type {{ packages: Record<string, { optionalDependencies?: Record<string, string> }> }} */
  const { packages } = JSON.parse(lockText)
  const places = Object.keys(packages)
  const gaps = Object.values(packages)
    .flatMap(({ optionalDependencies = {} }) => Object.keys(optionalDependencies))
    .filter((name) => !places.some((place) => place.endsWith(`node_modules/${name}`)))
  if (gaps.length === 0) return undefined
  return `npm ci would refuse it, because it lacks ${gaps.join(', ')}: choose versions of which the registry has all`
}
