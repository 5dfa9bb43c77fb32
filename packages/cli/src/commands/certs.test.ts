import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { runPcs } from '../testing/run-pcs.js'

it('makes certificates for all, once, and says what they are not for', async () => {
  const parent = mkdtempSync(join(tmpdir(), 'fractal-lba-pcs-certs-'))
  onTestFinished(() => rmSync(parent, { recursive: true }))
  const out = join(parent, 'certs')
  const made = await runPcs(['certs', '--out', out, '--hosts', 'gw.example,10.0.0.1'])
  expect(made).toMatchObject({ code: 0, out: expect.stringContaining('not for production') })
  expect(readdirSync(out).sort()).toEqual(
    ['ca.crt', 'dedup', 'gateway', 'one-process', 'signal-scoring', 'tools', 'verifier', 'wal'].sort(),
  )
  expect(readdirSync(join(out, 'wal')).sort()).toEqual(['ca.crt', 'tls.crt', 'tls.key'])
  expect(await runPcs(['certs', '--out', out])).toMatchObject({
    code: 1,
    err: expect.stringContaining('is not empty: nothing is written over'),
  })
  expect(await runPcs(['certs', '--days', '0'])).toMatchObject({
    code: 2,
    err: expect.stringContaining('--days'),
  })
  expect(await runPcs(['certs', '--hosts', 'a b'])).toMatchObject({
    code: 2,
    err: expect.stringContaining('--hosts'),
  })
})
