import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { nodeMistake, TESTED } from './node-version.mjs'

describe('nodeMistake', () => {
  it.each(['20.19.0', '20.20.2', '22.0.0', '24.1.0', '100.0.0'])('takes %s', (version) => {
    expect(nodeMistake(version)).toBeUndefined()
  })

  it.each(['18.20.0', '20.18.9', '4.9.1'])('refuses %s', (version) => {
    expect(nodeMistake(version)).toContain(`Node ${version} is too old`)
  })

  it('says what package.json says', () => {
    const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
    expect(nodeMistake('20.18.0')).toContain(manifest.engines.node.replace('>=', 'install '))
  })
  it('names the versions of the workflow', () => {
    const workflow = readFileSync(new URL('../../.github/workflows/ci.yml', import.meta.url), 'utf8')
    const matrix = workflow.match(/^ +node: \[(.*)\]$/m)?.[1] ?? ''
    expect(matrix.split(', ').map((version) => version.replaceAll('"', ''))).toEqual(TESTED)
  })
})
