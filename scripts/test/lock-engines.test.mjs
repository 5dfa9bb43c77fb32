import { describe, expect, it } from 'vitest'
import { lockEngines } from './lock-engines.mjs'

/** @param {string} [node] */
function mistake(node) {
  const engines = node === undefined ? undefined : { node }
  return lockEngines(JSON.stringify({ packages: { 'node_modules/cookie': { version: '2.0.2', engines } } }))
}

describe('lockEngines', () => {
  it.each([
    undefined,
    '*',
    '>=12',
    '>= 16.0.0',
    '>=20.19.0',
    '20 || >=22',
    '6.* || >= 10.*',
    '18 || 20 || >=22',
    '>=16 || 14 >=14.17',
    '^20.19.0 || ^22.13.0 || >=23.5.0',
    '^20.0.0 || ^22.0.0 || >=24.0.0',
  ])('takes %s', (node) => {
    expect(mistake(node)).toBeUndefined()
  })

  it.each(['>=22', '>=20.20', '^22.12.0 || >=24', '^18 || ^22', '>=18 >=22', 'newest'])(
    'refuses %s',
    (node) => {
      expect(mistake(node)).toBe(`not for Node 20.19: node_modules/cookie 2.0.2 (${node})`)
    },
  )
})
