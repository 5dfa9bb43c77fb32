import { createHash } from 'node:crypto'
import { expect, it } from 'vitest'
import { recordBytes } from '../testing/record.js'
import { fieldsOf, signingVectors } from '../testing/vectors.js'
import { hasMatchingId, pcsId } from './id.js'
import { parseRecord } from './validate.js'

it.each(signingVectors.cases)('is the id of the vector: $name', ({ pcs_json }) => {
  const fields = fieldsOf(pcs_json)
  expect(pcsId(fields.merkle_root, fields.epoch, fields.shard_id)).toBe(fields.pcs_id)
})

it('is SHA-256 over UTF-8', () => {
  const expected = createHash('sha256').update(Buffer.from('ab|9007199254740991|шард 🚀')).digest('hex')
  expect(pcsId('ab', Number.MAX_SAFE_INTEGER, 'шард 🚀')).toBe(expected)
})

it.each([
  ['nothing', {}, true],
  ['the epoch', { epoch: '2' }, false],
  ['the shard', { shard_id: '"shard-b"' }, false],
  ['the root', { merkle_root: '"ab"' }, false],
  ['the id', { pcs_id: JSON.stringify('0'.repeat(64)) }, false],
])('with %s changed, the id matches: %s', (_name, changes, matches) => {
  expect(hasMatchingId(parseRecord(recordBytes(changes)))).toBe(matches)
})
