import { readFileSync } from 'node:fs'
import { ed25519PrivateKey, hmacKey, type KeyRing, sign } from '@fractal-lba/pcs'
import { record, type verifier } from '@fractal-lba/proto'
import { createLogger, Registry } from '@fractal-lba/runtime'
import { expect, it } from 'vitest'
import { createVerifierMetrics } from './metrics.js'
import { verifierService } from './service.js'

const { submissions } = JSON.parse(
  readFileSync(new URL('../../../vectors/submissions.json', import.meta.url), 'utf8'),
)
const { pcs } = submissions[0]
const privateKey = ed25519PrivateKey(Buffer.alloc(32, 7).toString('base64'))
const secret = hmacKey('a throw-away key of the tests')
const ring: KeyRing = { algorithm: 'both', keys: [secret, privateKey.publicKey] }

const itemOf = (fields: object): verifier.VerifyItem => ({
  body: Buffer.from(JSON.stringify(fields)),
  encoding: record.Encoding.ENCODING_JSON,
})

it('answers a batch in its order, in whatever order signatures are checked', async () => {
  const ends: (() => void)[] = []
  const check = (): Promise<boolean> => new Promise((resolve) => ends.push(() => resolve(true)))
  const metrics = createVerifierMetrics(new Registry(), { ring: () => ring, waiting: () => 0 })
  const { handlers } = verifierService({ keys: { ring }, check, metrics }, createLogger('verifier', 'fatal'))
  const verifyBatches = handlers.verifyBatches as (
    items: readonly verifier.VerifyItem[],
    batch: object,
  ) => Promise<verifier.VerifyResult[]>
  const items = Array.from({ length: 12 }, (_, place) => {
    const fields = { ...pcs, seed: place }
    if (place % 3 === 0) return itemOf({ ...fields, sig: sign(fields, secret) })
    return itemOf(place % 3 === 1 ? { ...fields, sig: sign(fields, privateKey) } : { ...fields, epoch: -1 })
  })
  const answers = verifyBatches(items, { contexts: [] })
  expect(ends).toHaveLength(4)
  for (const end of ends.reverse()) end()
  const seen = (await answers).map(({ result }) =>
    result?.$case === 'verified'
      ? record.VerifiedRecord.decode(result.value.record).keyId
      : result?.value.message,
  )
  const invalid = seen[2]
  expect(invalid).toBe('malformed record: 1 error')
  expect(seen).toEqual(items.map((_, place) => [secret.id, privateKey.publicKey.id, invalid][place % 3]))
})
