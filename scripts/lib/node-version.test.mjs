import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { nodeMistake } from './node-version.mjs'

describe('nodeMistake', () => {
  it.each(['20.17.0', '20.20.2', '22.0.0', '24.1.0', '100.0.0'])('takes %s', (version) => {
    expect(nodeMistake(version)).toBeUndefined()
  })

  it.each(['18.20.0', '20.16.9', '4.9.1'])('refuses %s', (version) => {
    expect(nodeMistake(version)).toContain(`Node ${version} is too old`)
  })

  it('says what package.json says', () => {
    const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
    expect(nodeMistake('20.16.0')).toContain(manifest.engines.node.replace('>=', 'install '))
  })
})
