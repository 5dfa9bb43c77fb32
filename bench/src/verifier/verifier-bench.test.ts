import { ed25519PrivateKey } from '@fractal-lba/pcs'
import { expect, it } from 'vitest'
import { BenchFailure } from '../round.js'
import { VerifierAlone } from './batches.js'

it('counts records that verify, and gives up when one does not', async () => {
  const key = ed25519PrivateKey(Buffer.alloc(32, 7).toString('base64'))
  const { records } = await new VerifierAlone(key, async () => true).run(1)
  expect(records % 128).toBe(0)
  expect(records).toBeGreaterThan(0)
  await expect(new VerifierAlone(key, async () => false).run(1)).rejects.toThrow(BenchFailure)
})
