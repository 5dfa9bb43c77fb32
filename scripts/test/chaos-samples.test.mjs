import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { serviceNames } from '@fractal-lba/runtime/topology'
import { describe, expect, it } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { root } from '../ready.mjs'

const directory = join(root, 'test/chaos')
const files = readdirSync(directory).filter((name) => name.endsWith('.yaml'))
const components = [...serviceNames, 'redis']

/**
 * @param {unknown} value
 * @returns {Record<string, string>[]} every labelSelectors below it
 */
function selectorsIn(value) {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, below]) =>
    key === 'labelSelectors' ? [below] : selectorsIn(below),
  )
}

// Nothing here can run them: what they select by must at least be what the chart writes.
describe.each(files)('test/chaos/%s', (name) => {
  const documents = parseAllDocuments(readFileSync(join(directory, name), 'utf8'))

  it('is Chaos Mesh YAML whose selectors are labels of the chart', () => {
    const names = readFileSync(join(root, 'helm/fractal-lba/charts/common/templates/_names.tpl'), 'utf8')
    for (const document of documents) {
      expect(document.errors).toEqual([])
      const content = document.toJS()
      expect(content.apiVersion).toBe('chaos-mesh.org/v1alpha1')
      const selectors = selectorsIn(content)
      expect(selectors.length).toBeGreaterThan(0)
      for (const selector of selectors) {
        expect(Object.keys(selector)).toEqual(['app.kubernetes.io/name', 'app.kubernetes.io/component'])
        for (const label of Object.keys(selector)) expect(names).toContain(`${label}:`)
        expect(selector['app.kubernetes.io/name']).toBe('fractal-lba')
        expect(components).toContain(selector['app.kubernetes.io/component'])
      }
    }
  })

  it('is explained', () => {
    expect(readFileSync(join(directory, 'README.md'), 'utf8')).toContain(`| \`${name}\` |`)
  })
})
