import { createPrivateKey, createPublicKey } from 'node:crypto'
import { testSite } from '@fractal-lba/local'
import { ed25519PrivateKey, hmacKey } from '@fractal-lba/pcs'
import { record, verifier } from '@fractal-lba/proto'
import { credentials, status as Grpc } from '@grpc/grpc-js'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startAlone, startBranch, untilServing } from '../src/branch.js'
import { problemOf } from '../src/problem.js'
import { resigned, type SigningKey, textOf } from '../src/records.js'
import { useSystem } from '../src/system.js'
import { refusalOf, unary } from '../src/unary.js'
import { until } from '../src/until.js'

const system = useSystem('keys')

type Environment = Readonly<Record<string, string>>

/** Which of these keys a verifier with this environment takes; it is asked directly, for the sake of time. */
async function takenKeys(env: Environment, keys: readonly SigningKey[]): Promise<boolean[]> {
  const { records, site } = system()
  // The constellation leaves these ports of its block free.
  const address = `127.0.0.1:${site.port + 6}`
  const addresses = { GRPC_ADDR: address, METRICS_ADDR: `127.0.0.1:${site.port + 1006}` }
  await untilServing(startAlone('verifier', { ...addresses, ...env }))
  const client = new verifier.VerifierServiceClient(address, credentials.createInsecure())
  onTestFinished(() => client.close())
  const taken: boolean[] = []
  for (const key of keys) {
    const body = Buffer.from(textOf(resigned(records.next(), key)))
    const verified = unary(client.verify.bind(client), { body, encoding: record.Encoding.ENCODING_JSON })
    const code = await verified.then(
      () => Grpc.OK,
      async () => (await refusalOf(verified)).code,
    )
    expect([Grpc.OK, Grpc.UNAUTHENTICATED]).toContain(code)
    taken.push(code === Grpc.OK)
  }
  return taken
}

describe('HMAC keys', () => {
  const keys = ['old', 'new', 'third', 'unknown'].map((text) => hmacKey(text))

  it.each([
    [{ PCS_HMAC_KEY: 'new' }, [false, true, false, false]],
    [{ PCS_HMAC_KEY_OLD: 'old', PCS_HMAC_KEY_NEW: 'new' }, [true, true, false, false]],
    [{ PCS_HMAC_KEY: 'third', PCS_HMAC_KEY_OLD: 'old', PCS_HMAC_KEY_NEW: 'new' }, [true, true, true, false]],
    [{ PCS_HMAC_KEYS: 'old,new,third' }, [true, true, true, false]],
    [{ PCS_HMAC_KEYS: 'third', PCS_HMAC_KEY: 'new' }, [false, true, true, false]],
  ])('%o', async (env, taken) => {
    expect(await takenKeys({ PCS_SIGN_ALG: 'hmac', ...env }, keys)).toEqual(taken)
  })

  const base64 = Buffer.from('décodé').toString('base64')
  it.each([
    [base64, ['décodé', base64], [false, true]],
    ['clé 🔑', ['clé 🔑'], [true]],
  ])('%s is the UTF-8 bytes of the text, never base64-decoded', async (text, candidates, taken) => {
    const env = { PCS_SIGN_ALG: 'hmac', PCS_HMAC_KEY: text }
    const keysOf = candidates.map((candidate) => hmacKey(candidate))
    expect(await takenKeys(env, keysOf)).toEqual(taken)
  })
})

describe('Ed25519 keys', () => {
  const keys = [1, 2, 3].map((byte) => ed25519PrivateKey(Buffer.alloc(32, byte).toString('base64')))

  it('several at once', async () => {
    const list = [publicText(1), publicText(2)].join(',')
    const taken = await takenKeys({ PCS_SIGN_ALG: 'ed25519', PCS_ED25519_PUB_B64: list }, keys)
    expect(taken).toEqual([true, true, false])
  })
})

describe('a rotation', () => {
  it('gives the stored outcome to the record that is signed with the new key, and refuses the old one', async () => {
    const { client, records, site } = system()
    const record = records.next()
    const first = await client.submit(textOf(record))
    const next = hmacKey('the key of tomorrow')
    const both = {
      PCS_SIGN_ALG: 'hmac',
      PCS_HMAC_KEY_OLD: site.hmacKey,
      PCS_HMAC_KEY_NEW: 'the key of tomorrow',
    }
    const { client: today } = await startBranch(system(), { verifier: both })
    for (const text of [textOf(record), textOf(resigned(record, next))]) {
      const replayed = await today.submit(text)
      expect([replayed.headers['idempotent-replayed'], replayed.body]).toEqual(['true', first.body])
    }
    expect((await today.submit(textOf(records.next()))).status).toBe(200)
    expect((await today.submit(textOf(resigned(records.next(), next)))).status).toBe(200)

    const { client: tomorrow } = await startBranch(system(), {
      verifier: { PCS_SIGN_ALG: 'hmac', PCS_HMAC_KEY: 'the key of tomorrow' },
    })
    const again = await tomorrow.submit(textOf(resigned(record, next)))
    expect([again.status, again.headers['idempotent-replayed']]).toEqual([200, 'true'])
    expect(again.body).toEqual(first.body)
    problemOf(await tomorrow.submit(textOf(record)), 401)
    expect((await tomorrow.outcome(record.pcs_id)).body).toEqual(first.body)
    const twin = { ...resigned(record, next), seed: 1 }
    problemOf(await tomorrow.submit(textOf(twin)), 409)
  })
})

describe('PCS_SIGN_ALG=none', () => {
  it('looks at no signature', async () => {
    const { client } = await startBranch(system(), { verifier: { PCS_SIGN_ALG: 'none' } })
    const { sig: _, ...unsigned } = system().records.next()
    expect((await client.submit(textOf(unsigned))).status).toBe(200)
    const { records } = system()
    expect((await client.submit(textOf({ ...records.next(), sig: 'nonsense' }))).status).toBe(200)
    expect((await client.submit(textOf(records.next()).replace(/"sig":"[^"]*"/, '"sig":null'))).status).toBe(
      200,
    )
  })
})

describe('a verifier that refuses to start', () => {
  const address = { GRPC_ADDR: '127.0.0.1:0', METRICS_ADDR: '127.0.0.1:0' }
  // Of order 8; of order 2; y = p, which is y = 0 in another form; a point with x = 0 and the sign bit set.
  const lowOrder = 'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a'
  const orderTwo = `ec${'ff'.repeat(30)}7f`
  const nonCanonical = `ed${'ff'.repeat(30)}7f`
  const base64 = (hex: string): string => Buffer.from(hex, 'hex').toString('base64')

  it.each([
    ['PCS_SIGN_ALG unset', {}, /PCS_SIGN_ALG must be set/],
    ['PCS_SIGN_ALG empty', { PCS_SIGN_ALG: '' }, /PCS_SIGN_ALG must be set/],
    ['an unknown algorithm', { PCS_SIGN_ALG: 'HMAC' }, /PCS_SIGN_ALG/],
    ['hmac without a key', { PCS_SIGN_ALG: 'hmac' }, /PCS_HMAC_KEY/],
    ['hmac with an empty key in the list', { PCS_SIGN_ALG: 'hmac', PCS_HMAC_KEYS: 'a,,b' }, /PCS_HMAC_KEYS/],
    ['ed25519 without a key', { PCS_SIGN_ALG: 'ed25519' }, /PCS_ED25519_PUB_B64/],
    ['a short key', { PCS_SIGN_ALG: 'ed25519', PCS_ED25519_PUB_B64: 'AAAA' }, /PCS_ED25519_PUB_B64.*32/],
    ['low order', { PCS_SIGN_ALG: 'ed25519', PCS_ED25519_PUB_B64: base64(lowOrder) }, /PCS_ED25519_PUB_B64/],
    ['order two', { PCS_SIGN_ALG: 'ed25519', PCS_ED25519_PUB_B64: base64(orderTwo) }, /PCS_ED25519_PUB_B64/],
    [
      'non-canonical',
      { PCS_SIGN_ALG: 'ed25519', PCS_ED25519_PUB_B64: base64(nonCanonical) },
      /PCS_ED25519_PUB_B64/,
    ],
  ])('%s: one sentence that says what to set', async (_name, env, sentence) => {
    const refusing = startAlone('verifier', { ...address, ...env })
    await until('the verifier has ended', 10_000, () => refusing.death() !== undefined)
    expect(refusing.death()).toMatch(/ended with code [1-9]/)
    expect(refusing.said.join('\n')).toMatch(sentence)
    expect(refusing.said.join('\n')).not.toMatch(/\bat .*\.js:\d+/)
  })

  it('the whole start fails with the sentence', async () => {
    const site = await testSite('no-alg')
    try {
      const start = site.start({ env: { PCS_SIGN_ALG: undefined, PCS_HMAC_KEY: undefined } })
      await expect(start).rejects.toThrow(/PCS_SIGN_ALG must be set/)
    } finally {
      await site.dispose()
    }
  })
})

function publicText(byte: number): string {
  const seed = Buffer.alloc(32, byte)
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed])
  const spki = createPublicKey(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }))
  return spki.export({ format: 'der', type: 'spki' }).subarray(-32).toString('base64')
}
