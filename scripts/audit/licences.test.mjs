import { describe, expect, it } from 'vitest'
import { licenceMistakes } from './licences.mjs'

/** @param {Record<string, object>} packages */
const lock = (packages) => JSON.stringify({ packages })

describe('licenceMistakes', () => {
  it.each(['MIT', 'Apache-2.0', '(Apache-2.0 AND BSD-3-Clause)', 'GPL-3.0 OR MIT'])('takes %s', (license) => {
    expect(licenceMistakes(lock({ 'node_modules/x': { version: '1.0.0', license } }))).toEqual([])
  })

  it.each(['GPL-3.0', 'MIT AND GPL-3.0', 'SEE LICENSE IN LICENSE', 'UNLICENSED', 'MPL-2.0', '(MIT OR (X'])(
    'names %s',
    (license) => {
      expect(
        licenceMistakes(lock({ 'node_modules/a/node_modules/x': { version: '1.0.0', license } })),
      ).toEqual([`x 1.0.0 has the licence ${license}, which is not on the list`])
    },
  )

  it('takes MPL-2.0 of what is never shipped', () => {
    expect(licenceMistakes(lock({ 'node_modules/x': { license: 'MPL-2.0', dev: true } }))).toEqual([])
  })

  it('names what names none, and what says something else of itself', () => {
    const packages = {
      'node_modules/x': { version: '1.0.0' },
      'node_modules/y': { version: '2.0.0', license: 'MIT' },
    }
    expect(licenceMistakes(lock(packages), (place) => (place.endsWith('y') ? 'GPL-3.0' : undefined))).toEqual(
      ['x 1.0.0 names no licence', 'y 2.0.0 says GPL-3.0 of itself, and package-lock.json says MIT'],
    )
  })

  it('asks nothing of the packages of this repository', () => {
    expect(
      licenceMistakes(lock({ '': {}, gateway: {}, 'node_modules/@fractal-lba/gateway': { link: true } })),
    ).toEqual([])
  })
})
