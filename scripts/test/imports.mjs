import { posix } from 'node:path'

/**
 * @typedef {object} Workspace
 * @property {string} directory from the root, with slashes
 * @property {string} name
 * @property {readonly string[]} dependencies names of packages
 * @property {readonly string[]} entries what others may import, as they write it
 */

const OWN_SCOPE = '@fractal-lba/'
const SPECIFIER = /(?:\bfrom|\bimport|\bimport\s*\(|\brequire\s*\()\s*(['"])([^'"\n]+)\1/g

/**
 * Imports run one way: gateway, services and agent to the packages; never from service to service.
 * @param {readonly import('./sources.mjs').Source[]} files
 * @param {readonly Workspace[]} workspaces
 * @returns {readonly string[]} a sentence for each import that breaks it
 */
export function forbiddenImports(files, workspaces) {
  return files.flatMap(({ path, text }) => {
    const owner = workspaces.find(({ directory }) => path.startsWith(`${directory}/`))
    if (!owner || !/\.[mc]?[jt]s$/.test(path)) return []
    return [...text.matchAll(SPECIFIER)].flatMap(([, , specifier = '']) => {
      const why = mistakeOf(specifier, path, owner, workspaces)
      return why === undefined ? [] : [`${path} imports ${specifier}: ${why}`]
    })
  })
}

/**
 * @param {string} specifier
 * @param {string} path
 * @param {Workspace} owner
 * @param {readonly Workspace[]} workspaces
 * @returns {string | undefined}
 */
function mistakeOf(specifier, path, owner, workspaces) {
  if (specifier.startsWith('.')) {
    const target = posix.join(posix.dirname(path), specifier)
    return target.startsWith(`${owner.directory}/`) ? undefined : `it reaches out of ${owner.directory}`
  }
  if (!specifier.startsWith(OWN_SCOPE)) return undefined
  const target = workspaces.find(({ name }) => specifier === name || specifier.startsWith(`${name}/`))
  if (!target) return 'there is no such package'
  if (specifier === owner.name) return undefined
  if ((isDeployed(target) || isConstellation(target)) && isLibraryOrDeployed(owner)) {
    return `${owner.directory} must not depend on ${target.directory}`
  }
  if (!target.entries.includes(specifier)) return `${target.directory}/package.json does not export it`
  if (!owner.dependencies.includes(target.name)) return `${owner.directory}/package.json does not name it`
  return undefined
}

/**
 * What runs as a process of its own.
 * @param {Workspace} workspace
 */
function isDeployed({ directory }) {
  return directory === 'gateway' || directory.startsWith('services/')
}

/**
 * Has everything that is deployed in one process; it stands above all of it.
 * @param {Workspace} workspace
 */
function isConstellation({ directory }) {
  return directory === 'constellation'
}

/**
 * All but what stands above or beside the product: constellation, load and test.
 * @param {Workspace} workspace
 */
function isLibraryOrDeployed(workspace) {
  return isDeployed(workspace) || workspace.directory.startsWith('packages/')
}
