import { describe, expect, it } from 'vitest'
import { tooLarge } from './package-size.mjs'

const workspaces = [{ directory: 'services/wal' }, { directory: 'gateway' }]

/**
 * @param {number} count
 * @param {(index: number) => string} name
 */
function files(count, name) {
  return Array.from({ length: count }, (_, index) => ({ path: name(index), text: '' }))
}

const full = files(60, (index) => `services/wal/src/a${index}.ts`)

describe('tooLarge', () => {
  it('takes 60 production files in each package', () => {
    expect(
      tooLarge([...full, ...files(60, (index) => `gateway/src/a${index}.ts`)], workspaces),
    ).toBeUndefined()
  })

  it.each([
    'services/wal/src/a.test.ts',
    'services/wal/src/store.contract.ts',
    'services/wal/src/testing/a.ts',
    'services/wal/testing/a.ts',
    'services/wal/fixtures/a.mjs',
    'services/wal/src/gen/a.ts',
    'services/wal/run.sh',
    'services/wal-tools/a.ts',
    'scripts/a.mjs',
  ])('does not count %s', (path) => {
    expect(tooLarge([...full, { path, text: '' }], workspaces)).toBeUndefined()
  })

  it.each(['services/wal/src/a.ts', 'services/wal/bin/a.js', 'services/wal/src/generation/a.ts'])(
    'counts %s',
    (path) => {
      const mistake = tooLarge([...full, { path, text: '' }], workspaces)
      expect(mistake).toBe('more than 60 production files: services/wal (61)')
    },
  )
})
