import { ed25519PrivateKey, hmacKey, parseRecord, sign } from '@fractal-lba/pcs'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type Answer, Client, json } from '../../src/client.js'
import { useSystemInProcess } from '../../src/system.js'
import { type SigningCase, signingVectors, submissionTexts, submissionVectors } from '../../src/vectors.js'

const {
  hmac_key_utf8: hmacKeyText,
  ed25519_private_b64: privateKey,
  ed25519_public_b64: publicKey,
} = signingVectors

/** Another server than our own may be asked; it must verify with the key of the vectors. */
const { BACKEND_URL } = process.env

const hmacSystem = useSystemInProcess('vectors', {
  env: { PCS_HMAC_KEY: submissionVectors.hmac_key_utf8 },
  log: 'memory',
})

describe('vectors/submissions.json', () => {
  it('is read as it is written', () => {
    expect(submissionTexts.map((text) => JSON.parse(text))).toEqual(
      submissionVectors.submissions.map(({ pcs }) => pcs),
    )
    expect(submissionTexts.join()).toContain('"D_hat": 1.0,')
  })

  it.each(
    submissionVectors.submissions.map((vector, index) => ({ ...vector, text: submissionTexts[index] ?? '' })),
  )('$name: $expect.status', async ({ text, pcs, expect: { status, accepted, escalated, reason } }) => {
    const client = new Client(BACKEND_URL ?? hmacSystem().constellation.baseUrl)
    onTestFinished(() => client.close())
    const answer = await client.submit(text)
    expect(answer.status, answer.body.toString()).toBe(status)
    expect(json(answer)).toMatchObject({
      pcs_id: pcs.pcs_id,
      accepted,
      escalated,
      ...(reason ? { reason } : {}),
    })
    if (!reason) expect(json(answer)).not.toHaveProperty('reason')

    const replayed = await client.submit(text)
    expect(replayed.headers['idempotent-replayed']).toBe('true')
    expect({ status: replayed.status, body: replayed.body }).toEqual({ status, body: answer.body })
  })
})

/** A record around the eight fields, which stay as the vector writes them. */
function wrapped({ pcs_json: eightFields }: SigningCase, sig: string): string {
  return `${eightFields.slice(0, -1)},"schema":"fractal-lba-kakeya","version":"0.1","attempt":1,
    "sent_at":"2026-01-01T00:00:00Z","seed":42,"scales":[2,4,8],"N_j":{"2":3,"4":8,"8":21},"v_star":[0,0,1],
    "regime":"sticky","ft":{"outbox_seq":1,"degraded":false,"fallbacks":[],"clock_skew_ms":0},"sig":"${sig}"}`
}

function broken(signature: string): string {
  const bytes = Buffer.from(signature, 'base64')
  bytes[0] = (bytes[0] ?? 0) ^ 1
  return bytes.toString('base64')
}

const ed25519Env = { PCS_SIGN_ALG: 'ed25519', PCS_HMAC_KEY: undefined, PCS_ED25519_PUB_B64: publicKey }
const algorithms = [
  { algorithm: 'hmac', start: () => hmacSystem, sigOf: (c: SigningCase) => c.hmac_b64 },
  {
    algorithm: 'ed25519',
    start: () => useSystemInProcess('vectors-ed25519', { env: ed25519Env, log: 'memory' }),
    sigOf: (c: SigningCase) => c.ed25519_b64,
  },
]

describe.each(algorithms)('vectors/signing.json with $algorithm', ({ algorithm, start, sigOf }) => {
  const system = start()
  /** What stands under an id: many of the vectors share one. */
  const first = new Map<string, { payload: string; answer: Answer }>()

  it.each(signingVectors.cases)('$name', async (vector) => {
    const { client } = system()
    const bad = await client.submit(wrapped(vector, broken(sigOf(vector))))
    const good = await client.submit(wrapped(vector, sigOf(vector)))
    const { pcs_id: id, shard_id: shardId } = JSON.parse(vector.pcs_json) as {
      pcs_id: string
      shard_id: string
    }
    if (/\p{Cc}/u.test(shardId)) {
      expect([bad.status, good.status]).toEqual([400, 400])
      return
    }
    expect(bad.status).toBe(401)
    const stands = first.get(id)
    if (!stands) {
      expect([200, 202], good.body.toString()).toContain(good.status)
      expect(good.headers).not.toHaveProperty('idempotent-replayed')
      first.set(id, { payload: vector.payload, answer: good })
    } else if (stands.payload === vector.payload) {
      expect(good.body).toEqual(stands.answer.body)
      expect(good.headers['idempotent-replayed']).toBe('true')
    } else {
      expect(good.status).toBe(409)
    }
  })

  it('puts the fingerprints of the vectors into the log', async () => {
    const { client, wal } = system()
    const key = algorithm === 'hmac' ? hmacKey(hmacKeyText) : ed25519PrivateKey(privateKey)
    const from = (await wal.state()).nextSequence
    for (const { pcs_json: text } of signingVectors.fingerprints) {
      const sig = sign(parseRecord(Buffer.from(text)), key)
      const { status } = await client.submit(text.replace('"sig": ""', `"sig": "${sig}"`))
      expect([200, 202]).toContain(status)
    }
    const marks = await wal.marks(from)
    expect(marks.map(({ mark }) => mark?.verdict?.fingerprint.toString('hex'))).toEqual(
      signingVectors.fingerprints.map(({ fingerprint_hex: hex }) => hex),
    )
  })
})
