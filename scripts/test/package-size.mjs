const FILES_MAX = 60

const IS_CODE = /\.[mc]?[jt]s$/
const BESIDE_PRODUCTION = /\.(test|e2e|fault|contract)\.[mc]?[jt]s$|\/(testing|fixtures|gen)\/|^test\//

/**
 * @param {readonly import('./sources.mjs').Source[]} files
 * @param {readonly Pick<import('./imports.mjs').Workspace, 'directory'>[]} workspaces
 * @returns {string | undefined} a sentence when a package has more files than a person can hold in mind: tests and contracts,
 *   fixtures, what stands in `test/` or a `testing/`, and generated code are not counted
 */
export function tooLarge(files, workspaces) {
  const production = files.filter(({ path }) => IS_CODE.test(path) && !BESIDE_PRODUCTION.test(path))
  const large = workspaces
    .map(({ directory }) => {
      const count = production.filter(({ path }) => path.startsWith(`${directory}/`)).length
      return { directory, count }
    })
    .filter(({ count }) => count > FILES_MAX)
    .map(({ directory, count }) => `${directory} (${count})`)
  return large.length === 0 ? undefined : `more than ${FILES_MAX} production files: ${large.join(', ')}`
}
