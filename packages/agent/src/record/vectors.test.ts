import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { fractalDimension, parseRecord } from '@fractal-lba/pcs'
import { describe, expect, it } from 'vitest'
import { buildRecord } from './build.js'
import { readEvents } from './csv.js'
import { recordText } from './record-text.js'
import { rowsOf } from './rows.js'

interface Case {
  name: string
  csv: string
  seed: number
  scales: number[]
  chunk_bytes: number
  rows_sha256: string
  N_j: Record<string, number>
  merkle_root: string
  D_hat: number
  coh_star: number
  v_star: number[]
  r_about: number
}

const { cases }: { cases: Case[] } = JSON.parse(
  readFileSync(new URL('../../../../vectors/agent.json', import.meta.url), 'utf8'),
)

describe.each(cases)('the vector "$name"', (vector) => {
  const record = buildRecord({
    csv: vector.csv,
    shardId: 'shard-a',
    epoch: 1,
    seed: vector.seed,
    scales: vector.scales,
    chunkBytes: vector.chunk_bytes,
  })

  it('has its rows', () => {
    const rows = rowsOf(readEvents(vector.csv))
    expect(createHash('sha256').update(rows).digest('hex')).toBe(vector.rows_sha256)
  })

  it('has its N_j, D̂ and Merkle root', () => {
    expect(Object.fromEntries(record.N_j)).toEqual(vector.N_j)
    expect(record.D_hat).toBe(vector.D_hat)
    expect(record.merkle_root).toBe(vector.merkle_root)
  })

  it('has its coh★ and v★, to the last place', () => {
    expect(record.coh_star).toBe(vector.coh_star)
    expect(record.v_star).toEqual(vector.v_star)
  })

  it('has its r within 15 %', () => {
    expect(Math.abs(record.r / vector.r_about - 1)).toBeLessThan(0.15)
  })

  it('makes a record that its text holds whole', () => {
    const read = parseRecord(Buffer.from(recordText(record)))
    expect(read).toEqual({ ...record, sig: '' })
    expect(fractalDimension(read.scales, [...read.N_j.values()])).toBe(read.D_hat)
  })
})
