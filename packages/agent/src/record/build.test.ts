import { defaultParameters, MalformedRecord } from '@fractal-lba/pcs'
import { describe, expect, it } from 'vitest'
import { type BuildInput, buildRecord, UnbuildableRecord } from './build.js'
import { recordText } from './record-text.js'

const input: BuildInput = {
  csv: 'timestamp,x,y,z\n0,0.1,0.2,0.3\n1,0.4,0.5,0.6\n',
  shardId: 'shard-a',
  epoch: 1,
  seed: 42,
  sentAt: '2026-01-01T00:00:00Z',
}

describe('building a record', () => {
  it('gives the same for the same input', () => {
    expect(buildRecord(input)).toEqual(
      buildRecord({ ...input, csv: new TextEncoder().encode(String(input.csv)) }),
    )
  })

  it('without events gives a record that says so', () => {
    const record = buildRecord({ ...input, csv: '' })
    expect([...record.N_j.values()]).toEqual([0, 0, 0, 0])
    expect(record).toMatchObject({
      D_hat: 0,
      coh_star: 0,
      r: 1,
      budget: 0.1,
      regime: 'mixed',
      v_star: [0, 0, 0],
    })
    expect(record.merkle_root).toBe('0'.repeat(64))
  })

  it('takes no −0 from scales in falling order', () => {
    const csv = 'timestamp,x,y,z\n0,0,0,0\n'
    const record = buildRecord({ ...input, csv, scales: [16, 8, 4, 2] })
    expect(Object.is(record.D_hat, 0)).toBe(true)
  })

  it('takes the time of now unless told', () => {
    const { sentAt: _, ...rest } = input
    const before = Date.now()
    const sentAt = Date.parse(buildRecord(rest).sent_at)
    expect(sentAt).toBeGreaterThanOrEqual(before)
    expect(sentAt).toBeLessThanOrEqual(Date.now())
  })

  it('computes the budget with the parameters given', () => {
    const params = { ...defaultParameters, base: 0, alpha: 0, gamma: 0 }
    expect(buildRecord({ ...input, params }).budget).toBe(0)
  })

  it.each([
    ['shard', { shardId: '' }, '/shard_id'],
    ['shard with a lone surrogate', { shardId: '\ud800' }, ''],
    ['epoch', { epoch: -1 }, '/epoch'],
    ['fraction of an epoch', { epoch: 0.5 }, '/epoch'],
    ['attempt', { attempt: 0 }, '/attempt'],
    ['time', { sentAt: 'yesterday' }, '/sent_at'],
    ['outbox number', { outboxSeq: -1 }, '/ft/outbox_seq'],
  ])('refuses a wrong %s', (_, wrong, pointer) => {
    const build = () => buildRecord({ ...input, ...wrong })
    expect(build).toThrow(MalformedRecord)
    expect(build).toThrow(expect.objectContaining({ errors: [expect.objectContaining({ pointer })] }))
  })

  it.each([[[]], [[2]], [[4, 4]]])('refuses the scales %j, which give no D̂', (scales) => {
    expect(() => buildRecord({ ...input, scales })).toThrow(UnbuildableRecord)
  })

  it('writes one line in the order of the contract', () => {
    const text = recordText({ ...buildRecord(input), N_j: new Map([['2', 1]]) })
    expect([...text.matchAll(/"([A-Za-z_]+)":/g)].map((match) => match[1])).toEqual(
      `pcs_id schema version shard_id epoch attempt sent_at seed scales N_j coh_star D_hat r budget v_star regime
      merkle_root sig ft outbox_seq degraded fallbacks clock_skew_ms`.split(/\s+/),
    )
    expect(text).not.toMatch(/[\s]/)
  })
})
