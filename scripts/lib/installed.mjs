import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Whether node_modules holds what package-lock.json asks for. npm notes what it has installed in a lock file of
 * its own; the two are compared by content, because a checkout gives every file a new time.
 * @param {string} root
 */
export function isInstalled(root) {
  const wanted = packagesOf(join(root, 'package-lock.json'))
  const installed = packagesOf(join(root, 'node_modules', '.package-lock.json'))
  return wanted !== undefined && installed !== undefined && missing(wanted, installed).length === 0
}

/**
 * @typedef {{ version?: string, integrity?: string, resolved?: string, link?: boolean, optional?: boolean }} Entry
 * @param {Readonly<Record<string, Entry>>} wanted
 * @param {Readonly<Record<string, Entry>>} installed
 * @returns {readonly string[]} the places of packages that are not there or in another version
 */
export function missing(wanted, installed) {
  return Object.entries(wanted).flatMap(([place, entry]) => {
    // The others are the workspaces themselves, which are in the checkout.
    if (!place.includes('node_modules/')) return []
    const found = installed[place]
    // An optional one that is not there is one for another kind of machine.
    if (found === undefined) return entry.optional ? [] : [place]
    const isSame = entry.link
      ? found.link === true && found.resolved === entry.resolved
      : found.version === entry.version && found.integrity === entry.integrity
    return isSame ? [] : [place]
  })
}

/**
 * @param {string} file
 * @returns {Readonly<Record<string, Entry>> | undefined}
 */
function packagesOf(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages
  } catch {
    // Not there, or cut by an interrupted install: either way it is not installed.
    return undefined
  }
}
