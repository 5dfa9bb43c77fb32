import { describe, expect, it } from 'vitest'
import { type FixedIdentity, identityOf, isCsvName } from './file-identity.js'

describe('isCsvName', () => {
  it.each(['a.csv', 'a.1.CSV', 'shard a.7.csv'])('takes %j', (name) => {
    expect(isCsvName(name)).toBe(true)
  })

  it.each(['.a.csv', '.csv', 'a.csv.tmp', 'a.csv~', 'a.tsv', 'csv', 'done'])('leaves %j', (name) => {
    expect(isCsvName(name)).toBe(false)
  })
})

describe('identityOf', () => {
  it.each<[string, FixedIdentity, string, number]>([
    ['shard-a.7.csv', {}, 'shard-a', 7],
    ['shard-a.0007.csv', {}, 'shard-a', 7],
    ['eu.west.12.CSV', {}, 'eu.west', 12],
    ['shard-a.csv', {}, 'shard-a', 0],
    ['shard-a.v2.csv', {}, 'shard-a.v2', 0],
    ['2024.csv', {}, '2024', 0],
    ['a.9007199254740991.csv', {}, 'a', 2 ** 53 - 1],
    ['a.7.csv', { epoch: 3 }, 'a.7', 3],
    ['a.7.csv', { shardId: 'fixed' }, 'fixed', 7],
    ['7.csv', { shardId: 'fixed' }, 'fixed', 7],
    ['a.csv', { shardId: 'fixed' }, 'fixed', 0],
    ['a.7.csv', { shardId: 'fixed', epoch: 3 }, 'fixed', 3],
  ])('of %s with %j', (name, fixed, shardId, epoch) => {
    expect(identityOf(name, fixed)).toEqual({ shardId, epoch })
  })

  it('refuses a number that is no epoch', () => {
    expect(() => identityOf('a.9007199254740992.csv')).toThrow('must be from 0 to')
    expect(() => identityOf('9007199254740992.csv', { shardId: 'x' })).toThrow('must be from 0 to')
    expect(identityOf('a.9007199254740992.csv', { epoch: 1 }).epoch).toBe(1)
  })
})
