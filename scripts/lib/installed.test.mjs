import { describe, expect, it } from 'vitest'
import { missing } from './installed.mjs'

/** @type {Record<string, import('./installed.mjs').Entry>} */
const wanted = {
  '': { version: '0.1.0' },
  gateway: { version: '0.1.0' },
  'node_modules/@fractal-lba/gateway': { resolved: 'gateway', link: true },
  'node_modules/pino': { version: '10.4.0', integrity: 'sha512-a' },
  'node_modules/only-on-another-machine': { version: '1.0.0', integrity: 'sha512-b', optional: true },
}
/** @type {Record<string, import('./installed.mjs').Entry>} */
const installed = {
  'node_modules/@fractal-lba/gateway': { resolved: 'gateway', link: true },
  'node_modules/pino': { version: '10.4.0', integrity: 'sha512-a' },
  'node_modules/left-over': { version: '1.0.0', integrity: 'sha512-c' },
}

describe('missing', () => {
  it('finds nothing where all is there', () => {
    expect(missing(wanted, installed)).toEqual([])
  })

  it.each([
    ['a package that is not there', 'node_modules/pino', undefined],
    ['another version', 'node_modules/pino', { version: '10.3.0', integrity: 'sha512-a' }],
    ['other content', 'node_modules/pino', { version: '10.4.0', integrity: 'sha512-z' }],
    ['a new workspace', 'node_modules/@fractal-lba/gateway', undefined],
    ['a moved workspace', 'node_modules/@fractal-lba/gateway', { resolved: 'services/gateway', link: true }],
    [
      'another version of an optional one',
      'node_modules/only-on-another-machine',
      { version: '2.0.0', integrity: 'sha512-b' },
    ],
  ])('finds %s', (_case, place, entry) => {
    const { [place]: _dropped, ...others } = installed
    expect(missing(wanted, entry ? { ...others, [place]: entry } : others)).toEqual([place])
  })
})
