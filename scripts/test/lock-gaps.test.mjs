import { describe, expect, it } from 'vitest'
import { lockGaps } from './lock-gaps.mjs'

const tool = { optionalDependencies: { '@tool/linux': '1.0.0', '@tool/darwin': '1.0.0' } }

describe('lockGaps', () => {
  it('takes a lock file that has a package for every machine', () => {
    const packages = {
      'node_modules/tool': tool,
      'node_modules/@tool/linux': {},
      'a/node_modules/@tool/darwin': {},
    }
    expect(lockGaps(JSON.stringify({ packages }))).toBeUndefined()
  })

  it('names what is missing', () => {
    const packages = { 'node_modules/tool': tool, 'node_modules/@tool/linux': {} }
    expect(lockGaps(JSON.stringify({ packages }))).toContain('lacks @tool/darwin:')
  })
})
