import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { expect, it } from 'vitest'
import { root } from '../ready.mjs'

/** All that a script loads before it runs, of packages by their names. */
function packagesOf(/** @type {string} */ script) {
  const seen = new Set()
  /** @type {string[]} */
  const packages = []
  const visit = (/** @type {string} */ file) => {
    if (seen.has(file)) return
    seen.add(file)
    const text = readFileSync(file, 'utf8')
    for (const [, name = ''] of text.matchAll(/^(?:import|export|\}) .*?from '([^']+)'/gm)) {
      if (name.startsWith('.')) visit(join(dirname(file), name))
      else if (!name.startsWith('node:')) packages.push(`${relative(root, file)} loads ${name}`)
    }
  }
  visit(join(root, 'scripts', script))
  return packages
}

const scripts = readdirSync(join(root, 'scripts')).filter((name) => /^[a-z-]+\.mjs$/.test(name))

it.each(scripts)('scripts/%s loads nothing that a fresh clone does not have', (script) => {
  expect(packagesOf(script)).toEqual([])
})
