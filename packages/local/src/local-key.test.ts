import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Env } from '@fractal-lba/runtime'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { localKey } from './local-key.js'
import { signingOf } from './signing.js'

let place: string
let dataDir: string
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'fractal-lba-key-'))
  dataDir = join(place, 'new', 'data')
})
afterEach(() => rmSync(place, { recursive: true, force: true }))

function mode(path: string): number {
  return statSync(path).mode & 0o777
}

describe('localKey', () => {
  it('makes 32 random bytes as hex, for its owner alone', async () => {
    const { key, file, wasExposed } = await localKey(dataDir)
    expect(key).toMatch(/^[0-9a-f]{64}$/)
    expect(wasExposed).toBe(false)
    expect(file).toBe(join(dataDir, 'hmac.key'))
    expect(readFileSync(file, 'utf8')).toBe(key)
    expect(mode(file)).toBe(0o600)
    expect(mode(dataDir)).toBe(0o700)
    expect(readdirSync(dataDir)).toEqual(['hmac.key'])
  })

  it('keeps it', async () => {
    const first = await localKey(dataDir)
    expect(await localKey(dataDir)).toEqual(first)
  })

  it('makes another in another place', async () => {
    expect((await localKey(dataDir)).key).not.toBe((await localKey(join(place, 'other'))).key)
  })

  it('agrees on one key when two start at once', async () => {
    const keys = await Promise.all(Array.from({ length: 8 }, () => localKey(dataDir)))
    expect(new Set(keys.map(({ key }) => key)).size).toBe(1)
    expect(readdirSync(dataDir)).toEqual(['hmac.key'])
  })

  it('takes rights back that others had, and says so', async () => {
    const { file, key } = await localKey(dataDir)
    chmodSync(file, 0o644)
    expect(await localKey(dataDir)).toEqual({ key, file, wasExposed: true })
    expect(mode(file)).toBe(0o600)
  })

  it.each(['', 'abc', `${'A'.repeat(64)}`])('refuses a file with %j and leaves it', async (content) => {
    const { file } = await localKey(dataDir)
    writeFileSync(file, content)
    await expect(localKey(dataDir)).rejects.toThrow(/hmac\.key does not hold the key/)
    expect(readFileSync(file, 'utf8')).toBe(content)
  })
})

describe('signingOf', () => {
  it('uses a key of its own where the environment says nothing', async () => {
    for (const env of [{}, { PCS_SIGN_ALG: '' }]) {
      const { keyFile, env: given } = await signingOf(new Env(env), dataDir)
      expect(keyFile).toBe(join(dataDir, 'hmac.key'))
      expect(given).toEqual({
        PCS_SIGN_ALG: 'hmac',
        PCS_HMAC_KEY: readFileSync(join(dataDir, 'hmac.key'), 'utf8'),
      })
    }
  })

  it.each(['none', 'hmac', 'ed25519', 'nonsense'])(
    'leaves PCS_SIGN_ALG=%s to the environment',
    async (algorithm) => {
      const signing = await signingOf(new Env({ PCS_SIGN_ALG: algorithm, PCS_HMAC_KEY: 'theirs' }), dataDir)
      expect(signing).toEqual({ env: {}, keyFile: undefined, warning: undefined })
      expect(() => statSync(dataDir)).toThrow()
    },
  )

  it.each([
    ['PCS_HMAC_KEY', 'hmac'],
    ['PCS_HMAC_KEYS', 'hmac'],
    ['PCS_ED25519_PUB_B64', 'ed25519'],
  ])('does not silently leave %s unused', async (name, algorithm) => {
    await expect(signingOf(new Env({ [name]: 'secret' }), dataDir)).rejects.toThrow(
      `PCS_SIGN_ALG=${algorithm}`,
    )
    await expect(signingOf(new Env({ [name]: 'secret' }), dataDir)).rejects.not.toThrow('secret')
  })
})
