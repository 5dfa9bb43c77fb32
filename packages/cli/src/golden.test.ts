import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { compressibility, readEvents, rowsOf } from '@fractal-lba/agent/record'
import {
  budgetOf,
  countsOfScales,
  defaultParameters,
  deviation,
  ed25519PublicKey,
  fractalDimension,
  hasMatchingId,
  hmacKey,
  type KeyRing,
  parseRecord,
  regimeOf,
  verifySignature,
} from '@fractal-lba/pcs'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const program = fileURLToPath(new URL('../bin/pcs.js', import.meta.url))
const read = (path: string) => readFileSync(`${root}/${path}`, 'utf8')

const keys: Record<'hmac' | 'ed25519', Record<string, string>> = JSON.parse(
  read('test/golden/throw-away-keys.json'),
)
const rings: KeyRing[] = [
  { algorithm: 'hmac', keys: [hmacKey(keys.hmac.PCS_HMAC_KEY ?? '')] },
  { algorithm: 'ed25519', keys: [ed25519PublicKey(keys.ed25519.PCS_ED25519_PUB_B64 ?? '')] },
]

/** The README's own lines, so that what it tells is what holds. */
const commands = read('test/golden/README.md')
  .split('\n')
  .filter((line) => line.startsWith('npx pcs build '))
  .map((line) => line.split(' ').slice(2))
  .map((args) => ({
    args: args.filter((_, i) => i !== args.indexOf('--out') && i !== args.indexOf('--out') + 1),
    csv: args[args.indexOf('--in') + 1] ?? '',
    file: args[args.indexOf('--out') + 1] ?? '',
  }))

/** Builds of zlib that give the r of the golden records; on others r may be another, and is then left out. */
const sameZlib = ['x64 1.3.1-e00f703', 'x64 1.3.2.1-motley-8002e91'].includes(
  `${process.arch} ${process.versions.zlib}`,
)

describe('the golden records', () => {
  it('are four', () => {
    expect(commands).toHaveLength(4)
  })

  describe.each(commands)('$file', ({ args, csv, file }) => {
    const golden = read(file)
    const record = parseRecord(Buffer.from(golden))
    const sameR = sameZlib || compressibility(rowsOf(readEvents(read(csv)))) === record.r
    const all = 'byte for byte'
    const most = `but for r, budget and sig, since zlib ${process.versions.zlib} gives another r`

    it(`is what pcs build makes, ${sameR ? all : most}`, () => {
      const made = spawnSync(process.execPath, [program, ...args], {
        cwd: root,
        encoding: 'utf8',
        env: { PATH: process.env.PATH, ...(file.includes('ed25519') ? keys.ed25519 : keys.hmac) },
      })
      expect(made.stderr).toBe('')
      if (sameR) expect(made.stdout).toBe(golden)
      else expect(withoutR(made.stdout)).toBe(withoutR(golden))
    })

    it('is one that a server on the default parameters accepts', () => {
      const dimension = fractalDimension(record.scales, countsOfScales(record))
      expect(dimension).toBe(record.D_hat)
      expect(regimeOf(record.D_hat, record.coh_star)).toBe(record.regime)
      const budget = budgetOf(record.D_hat, record.coh_star, record.r, defaultParameters)
      expect(deviation(record.budget, budget)).toBe(0)
      expect(hasMatchingId(record)).toBe(true)
      expect(rings.map((ring) => verifySignature(record, ring)).filter(Boolean)).toHaveLength(1)
    })
  })

  it('show every regime', () => {
    const regimes = commands.map(({ file }) => parseRecord(Buffer.from(read(file))).regime)
    expect(new Set(regimes)).toEqual(new Set(['sticky', 'mixed', 'non_sticky']))
  })
})

function withoutR(text: string): string {
  return text.replace(/"(r|budget)":[^,]+|"sig":"[^"]*"/g, '"$1":…')
}
