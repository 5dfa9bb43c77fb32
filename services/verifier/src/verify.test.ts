import { readFileSync } from 'node:fs'
import { hmacKey, type KeyRing } from '@fractal-lba/pcs'
import { ingest, record } from '@fractal-lba/proto'
import { ConfigError, Env } from '@fractal-lba/runtime'
import { describe, expect, it } from 'vitest'
import { readVerifierConfig } from './config.js'
import { verify } from './verify.js'

const { ENCODING_JSON, ENCODING_PROTOBUF } = record.Encoding
const vectors: { hmac_key_utf8: string; submissions: { pcs: Record<string, unknown> }[] } = JSON.parse(
  readFileSync(new URL('../../../vectors/submissions.json', import.meta.url), 'utf8'),
)
const keys: KeyRing = { algorithm: 'hmac', keys: [hmacKey(vectors.hmac_key_utf8)] }
const sample = vectors.submissions[0]?.pcs ?? {}
const json = (record: unknown): Buffer => Buffer.from(JSON.stringify(record))

/** The same record in the other encoding. */
function protobuf(pcs: Record<string, unknown>): Buffer {
  const ft = pcs.ft as Record<string, unknown>
  const message = {
    ...{ pcsId: pcs.pcs_id, schema: pcs.schema, version: pcs.version, shardId: pcs.shard_id },
    ...{ epoch: pcs.epoch, attempt: pcs.attempt, sentAt: pcs.sent_at, seed: pcs.seed },
    ...{
      scales: pcs.scales,
      nJ: new Map(Object.entries(pcs.N_j as Record<string, number>)),
      cohStar: pcs.coh_star,
      vStar: pcs.v_star,
      dHat: pcs.D_hat,
    },
    ...{
      r: pcs.r,
      budget: pcs.budget,
      regime: pcs.regime,
      merkleRoot: pcs.merkle_root,
      sig: pcs.sig,
    },
    ft: {
      ...{ outboxSeq: ft.outbox_seq, degraded: ft.degraded },
      ...{ fallbacks: ft.fallbacks, clockSkewMs: ft.clock_skew_ms },
    },
  }
  return Buffer.from(ingest.PcsRecord.encode(message as ingest.PcsRecord).finish())
}

describe('verify', () => {
  it('hands on what the later steps need', async () => {
    const record = await verify(json(sample), ENCODING_JSON, keys)
    expect(record).toMatchObject({ pcsId: sample.pcs_id, idMatches: true, scales: [2, 4, 8, 16, 32] })
    expect(record.fingerprint).toHaveLength(33)
    expect(record.keyId).toMatch(/^hmac:[0-9a-f]{12}$/)
  })

  it.each(vectors.submissions.map(({ pcs }) => pcs))('gives both encodings one fingerprint', async (pcs) => {
    const fromProtobuf = await verify(protobuf(pcs), ENCODING_PROTOBUF, keys)
    expect(fromProtobuf).toEqual(await verify(json(pcs), ENCODING_JSON, keys))
  })

  it.each<[string, unknown]>([
    ['missing', undefined],
    ['null', null],
    ['a number', 7],
    ['empty', ''],
    ['not base64', '****'],
    ['wrong', Buffer.alloc(32).toString('base64')],
    ['too short', Buffer.alloc(16).toString('base64')],
  ])('answers every signature failure alike: %s', async (_, sig) => {
    await expect(verify(json({ ...sample, sig }), ENCODING_JSON, keys)).rejects.toThrow(
      expect.objectContaining({
        code: 'unauthenticated',
        message: 'the signature is missing or does not verify',
      }),
    )
  })

  it('tells all violations of a record at once, before it looks at the signature', async () => {
    const violations = [{ pointer: '/epoch' }, { pointer: '/seed' }]
    await expect(
      verify(json({ ...sample, epoch: -1, seed: 1.5, sig: 7 }), ENCODING_JSON, keys),
    ).rejects.toMatchObject({ code: 'malformed', violations })
  })

  it('lets a wrong id through, marked as such', async () => {
    const unsigned: KeyRing = { algorithm: 'none' }
    const record = await verify(json({ ...sample, pcs_id: '0'.repeat(64) }), ENCODING_JSON, unsigned)
    expect(record).toMatchObject({ idMatches: false, keyId: 'none' })
  })

  it.each<[string, Buffer]>([
    ['no message at all', Buffer.from([0xff, 0xff, 0xff])],
    ['an empty message', Buffer.alloc(0)],
    ['a float that is not finite', protobuf({ ...sample, D_hat: Number.NaN })],
    ['an infinite v_star', protobuf({ ...sample, v_star: [0, Number.POSITIVE_INFINITY, 0] })],
  ])('refuses a protobuf record that is %s', async (_, bytes) => {
    await expect(verify(bytes, ENCODING_PROTOBUF, keys)).rejects.toThrow(
      expect.objectContaining({ code: 'malformed' }),
    )
  })
})

describe('readVerifierConfig', () => {
  const read = (source: NodeJS.ProcessEnv) => {
    const env = new Env(source)
    const config = readVerifierConfig(env)
    env.done()
    return config.keys
  }

  it.each<[NodeJS.ProcessEnv, RegExp]>([
    [{}, /PCS_SIGN_ALG must be set/],
    [{ PCS_SIGN_ALG: 'rsa' }, /PCS_SIGN_ALG is not/],
    [{ PCS_SIGN_ALG: 'hmac' }, /needs a key/],
    [{ PCS_SIGN_ALG: 'ed25519' }, /needs a key/],
    [{ PCS_SIGN_ALG: 'ed25519', PCS_ED25519_PUB_B64: 'AAAA' }, /PCS_ED25519_PUB_B64/],
  ])('refuses to start with %j', (source, sentence) => {
    expect(() => read(source)).toThrow(ConfigError)
    expect(() => read(source)).toThrow(sentence)
  })

  it('takes keys from all places, each once', () => {
    const { ring } = read({
      ...{
        PCS_SIGN_ALG: 'hmac',
        PCS_HMAC_KEY: 'a',
        PCS_HMAC_KEYS: 'b, c',
        PCS_HMAC_KEY_OLD: 'a',
        PCS_HMAC_KEY_NEW: 'd',
      },
    })
    expect(ring.algorithm === 'hmac' && ring.keys).toHaveLength(4)
  })

  it('may all be in a file', () => {
    const keyFile = { path: 'keys.yaml', everyMs: 10_000 }
    expect(read({ PCS_KEYS_FILE: 'keys.yaml' })).toEqual({ ring: { algorithm: 'both', keys: [] }, keyFile })
    expect(read({ PCS_KEYS_FILE: 'keys.yaml', PCS_SIGN_ALG: 'hmac' }).ring).toEqual({
      algorithm: 'hmac',
      keys: [],
    })
    expect(() => read({ PCS_KEYS_FILE: 'keys.yaml', PCS_SIGN_ALG: 'none' })).toThrow('unset one of them')
  })
})
