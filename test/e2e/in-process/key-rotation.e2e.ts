import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hmacKey } from '@fractal-lba/pcs'
import { afterAll, describe, expect, it } from 'vitest'
import { RecordMaker, textOf } from '../../src/records.js'
import { useSystemInProcess } from '../../src/system.js'
import { until } from '../../src/until.js'

const OLD = 'the old throw-away key of the drill'
const NEW = 'the new throw-away key of the drill'
const LIMIT_MS = 20_000

const directory = mkdtempSync(join(tmpdir(), 'fractal-lba-rotation-'))
const file = join(directory, 'keys.yaml')
const write = (...keys: { readonly key: string; readonly not_after?: string }[]): void =>
  writeFileSync(file, JSON.stringify({ keys: keys.map((key) => ({ algorithm: 'hmac', ...key })) }))
write({ key: OLD })
afterAll(() => rmSync(directory, { recursive: true }))

const system = useSystemInProcess('key-rotation', {
  env: { PCS_SIGN_ALG: '', PCS_HMAC_KEY: '', PCS_KEYS_FILE: file, PCS_KEYS_RELOAD_EVERY: '100ms' },
})

describe('keys that are rotated under load', () => {
  it('refuse no valid submission: both, agents move, the old one ends by its window, and back', async () => {
    const { client } = system()
    const old = new RecordMaker(hmacKey(OLD), 'rotation-old')
    const fresh = new RecordMaker(hmacKey(NEW), 'rotation-new')
    const submit = async (maker: RecordMaker): Promise<number> =>
      (await client.submit(textOf(maker.next()))).status
    const takes = (maker: RecordMaker, status: number) =>
      until(`${maker.name} gets ${status}`, LIMIT_MS, async () => (await submit(maker)) === status)
    const statuses: number[] = []
    let valid = [old]
    let isOver = false
    const agents = (async () => {
      while (!isOver) statuses.push(...(await Promise.all(valid.map(submit))))
    })()

    expect(await submit(fresh)).toBe(401)
    write({ key: OLD }, { key: NEW })
    await takes(fresh, 200)
    valid = [old, fresh]
    await new Promise((resolve) => setTimeout(resolve, 300))
    valid = [fresh]
    await new Promise((resolve) => setTimeout(resolve, 100))
    write({ key: OLD, not_after: new Date(Date.now() + 500).toISOString() }, { key: NEW })
    await takes(old, 401)
    // Rollback.
    write({ key: OLD }, { key: NEW })
    await takes(old, 200)
    write({ key: NEW })
    await takes(old, 401)
    isOver = true
    await agents
    expect(statuses.filter((status) => status !== 200)).toEqual([])
    expect(statuses.length).toBeGreaterThan(20)
  })
})
