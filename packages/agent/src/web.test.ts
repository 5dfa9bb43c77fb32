import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { inspect } from 'node:util'
import { ed25519PrivateKey, type Pcs, parseRecord, pcsId, verifySignature } from '@fractal-lba/pcs'
import { describe, expect, it } from 'vitest'
import { signRecord } from './record/index.js'
import { pcsIdOnWeb, signRecordOnWeb, WebSigningKey } from './web.js'

const SEED = Buffer.alloc(32, 7).toString('base64')
const { submissions } = JSON.parse(
  readFileSync(new URL('../../../vectors/submissions.json', import.meta.url), 'utf8'),
)
const records: Pcs[] = submissions.map(({ pcs }: { pcs: object }) =>
  parseRecord(Buffer.from(JSON.stringify(pcs))),
)

describe('signing without node:crypto', () => {
  it('gives the same signatures, which the verifier takes', async () => {
    const [here, web] = [ed25519PrivateKey(SEED), await WebSigningKey.fromBase64(SEED)]
    expect(web.publicKey).toBe(here.publicKey.base64)
    const ring = { algorithm: 'ed25519', keys: [here.publicKey] } as const
    for (const record of [...records, { ...records[0], r: -0 } as Pcs]) {
      const signed = await signRecordOnWeb(record, web)
      expect(signed).toEqual(signRecord(record, here))
      expect(verifySignature(signed, ring)).toBe(here.id)
    }
  })

  it('gives the same ids', async () => {
    for (const [root, epoch, shard] of [
      ['ab', 0, 's'],
      ['0'.repeat(64), 2 ** 53 - 1, 'é\u{1F600}'],
    ] as const) {
      expect(await pcsIdOnWeb(root, epoch, shard)).toBe(pcsId(root, epoch, shard))
    }
  })

  it.each(['', SEED.slice(0, -1), `${SEED}\n`, Buffer.alloc(31).toString('base64'), '****', '€'])(
    'takes no key of another form: %j',
    async (text) => {
      await expect(WebSigningKey.fromBase64(text)).rejects.toThrow(TypeError)
    },
  )

  it('never prints a key', async () => {
    const key = await WebSigningKey.fromBase64(SEED)
    expect(inspect(key, { showHidden: true }) + JSON.stringify(key)).not.toMatch(/BwcHBwcH|7, 7, 7/)
  })
})

it('needs no module of Node', () => {
  const seen = new Set<string>()
  const outside = new Set<string>()
  const visit = (file: string): void => {
    if (seen.has(file)) return
    seen.add(file)
    for (const [, name = ''] of readFileSync(file, 'utf8').matchAll(/(?:from|import\()\s*'([^']+)'/g)) {
      if (name.startsWith('.')) visit(resolve(dirname(file), name))
      else if (name === '@fractal-lba/pcs/canonical') visit(fileURLToPath(import.meta.resolve(name)))
      else outside.add(name)
    }
  }
  visit(fileURLToPath(import.meta.resolve('@fractal-lba/agent/web')))
  expect(seen.size).toBe(2)
  expect([...outside]).toEqual(['@noble/ed25519'])
})
