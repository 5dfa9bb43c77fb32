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

/** @typedef {'proto' | 'library' | 'agent' | 'log-tools' | 'cli' | 'deployed' | 'constellation' | 'beside'} Layer */

/**
 * What each layer may import of the workspaces. Packages know nothing of what is deployed, and no service knows another
 * one; `beside` (load, test) imports what it needs.
 * @type {Readonly<Record<Layer, readonly Layer[]>>}
 */
const MAY_IMPORT = {
  proto: [],
  library: ['proto', 'library'],
  agent: ['proto', 'library'],
  'log-tools': ['proto', 'library', 'agent'],
  cli: ['proto', 'library', 'agent', 'log-tools'],
  deployed: ['proto', 'library'],
  constellation: ['proto', 'library', 'deployed'],
  beside: ['proto', 'library', 'agent', 'log-tools', 'cli', 'deployed', 'constellation', 'beside'],
}

/**
 * Imports run one way: from what is deployed and from the tools to the libraries, and from those to the protocols.
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
  if (!MAY_IMPORT[layerOf(owner)].includes(layerOf(target))) {
    return `${owner.directory} must not depend on ${target.directory}`
  }
  if (!target.entries.includes(specifier)) return `${target.directory}/package.json does not export it`
  if (!owner.dependencies.includes(target.name)) return `${owner.directory}/package.json does not name it`
  return undefined
}

/**
 * @param {Workspace} workspace
 * @returns {Layer}
 */
function layerOf({ directory }) {
  if (directory === 'gateway' || directory.startsWith('services/')) return 'deployed'
  if (directory === 'constellation') return 'constellation'
  if (!directory.startsWith('packages/')) return 'beside'
  const name = directory.slice('packages/'.length)
  return name === 'proto' || name === 'agent' || name === 'log-tools' || name === 'cli' ? name : 'library'
}
