import { ed25519PrivateKey, hmacKey } from '@fractal-lba/pcs'
import { describe, expect, it } from 'vitest'
import { type Answer, json } from '../../src/client.js'
import { problemOf } from '../../src/problem.js'
import { RecordMaker, retryOf, type TestRecord, textOf, twinOf } from '../../src/records.js'
import { type AnyConstellation, type System, useSystemInProcess } from '../../src/system.js'
import { signingVectors } from '../../src/vectors.js'

const privateKey = ed25519PrivateKey(signingVectors.ed25519_private_b64)
const foreignKeys = {
  hmac: hmacKey('a key that nobody configured'),
  ed25519: ed25519PrivateKey(Buffer.alloc(32, 7).toString('base64')),
}
const variants = [
  { algorithm: 'hmac', options: {} },
  {
    algorithm: 'ed25519',
    options: {
      signingKey: privateKey,
      env: {
        PCS_SIGN_ALG: 'ed25519',
        PCS_HMAC_KEY: undefined,
        PCS_ED25519_PUB_B64: signingVectors.ed25519_public_b64,
      },
    },
  },
] as const

function expectReplay(answer: Answer, of: Answer): void {
  expect(answer.headers['idempotent-replayed']).toBe('true')
  expect({ status: answer.status, body: answer.body.toString() }).toEqual({
    status: of.status,
    body: of.body.toString(),
  })
  expect(answer.headers['content-type']).toBe(of.headers['content-type'])
}

describe.each(variants)('with $algorithm', ({ algorithm, options }) => {
  const system = useSystemInProcess(`matrix-${algorithm}`, options)

  describe('a valid record', () => {
    it('is accepted once; each duplicate gets the stored body', async () => {
      const { client, records } = system()
      const record = records.next()
      const first = await client.submit(textOf(record))
      expect(first.status).toBe(200)
      expect(first.headers).not.toHaveProperty('idempotent-replayed')
      for (let i = 0; i < 3; i++) expectReplay(await client.submit(textOf(record)), first)
      expectReplay(await client.outcome(record.pcs_id), first)
    })

    it.each([{ budget: 0.9 }, { D_hat: 2 }])('with %o: a 202 is replayed as a 202', async (changes) => {
      const { client, records } = system()
      const record = records.next(changes)
      const first = await client.submit(textOf(record))
      expect(first.status).toBe(202)
      expectReplay(await client.submit(textOf(record)), first)
    })

    it('is the same record with another attempt, sent_at and ft, in another order, with unknown fields', async () => {
      const { client, records } = system()
      const record = records.next()
      const first = await client.submit(textOf(record))
      const retry = retryOf(record)
      expectReplay(await client.submit(textOf(retry)), first)
      const reversed = Object.fromEntries(Object.entries(retry).reverse())
      expectReplay(
        await client.submit(JSON.stringify({ extra: [1, { a: null }], ...reversed }, null, 2)),
        first,
      )
    })

    it('is another record with another seed, N_j, v_star, regime or version: 409, and the first stands', async () => {
      const { client, records } = system()
      const record = records.next()
      const first = await client.submit(textOf(record))
      const others: Partial<TestRecord>[] = [
        { seed: 43 },
        { N_j: { ...record.N_j, '32': 32 } },
        { v_star: [0.12, 0.98, -0.050000001] },
        { regime: 'mixed' },
        { version: '0.2' },
        { scales: [...record.scales].reverse() },
        { scales: [...record.scales, 2] },
      ]
      for (const other of others) {
        problemOf(await client.submit(textOf({ ...record, ...other })), 409)
        expectReplay(await client.outcome(record.pcs_id), first)
      }
      expectReplay(await client.submit(textOf(record)), first)
    })

    it('signed anew with other figures under the same id is a 409 too', async () => {
      const { client, records } = system()
      const record = records.next()
      const first = await client.submit(textOf(record))
      const { shard_id, epoch, merkle_root } = record
      const other = records.next({ shard_id, epoch, merkle_root, D_hat: 0.866733468 })
      expect(other.pcs_id).toBe(record.pcs_id)
      problemOf(await client.submit(textOf(other)), 409)
      expectReplay(await client.outcome(record.pcs_id), first)
    })

    it('figures that are the same as signed make the same record', async () => {
      const { client, records } = system()
      const record = records.next()
      const first = await client.submit(textOf(record))
      const text = textOf(record).replace('"D_hat":0.866733469', '"D_hat":0.8667334690000004')
      expectReplay(await client.submit(text), first)
    })
  })

  describe('a signature that does not hold', () => {
    it('gets the same answer, whatever is wrong with it, and reaches no store', async () => {
      const { client, records, wal } = system()
      const cases = [...tampered(records), ...badSignatures(records, algorithm)]
      const from = (await wal.state()).nextSequence
      const seen = new Set<string>()
      for (const { name, text, pcsId } of cases) {
        const answer = await client.submit(text)
        const { instance: _, ...problem } = problemOf(answer, 401)
        // Request ids, and the length of a body with one, grow.
        const { date: _date, 'x-request-id': _id, ratelimit: _ratelimit, ...others } = answer.headers
        const { 'content-length': _length, ...headers } = others
        seen.add(JSON.stringify({ problem, headers }))
        expect(seen.size, name).toBe(1)
        expect((await client.outcome(pcsId)).status, name).toBe(404)
      }
      await wal.untilNothingOpen(10_000)
      const marks = await wal.marks(from)
      expect(marks.map(({ mark }) => [mark?.status, mark?.verdict])).toEqual(
        cases.map(() => [401, undefined]),
      )
    })

    it('does not stand in the way of the honest record', async () => {
      const { client, records } = system()
      const record = records.next()
      problemOf(await client.submit(textOf({ ...record, budget: 0.39 })), 401)
      problemOf(await client.submit('{"pcs_id":'), 400)
      problemOf(await client.submit(textOf({ ...record, attempt: 0 })), 400)
      const answer = await client.submit(textOf(record))
      expect([answer.status, answer.headers['idempotent-replayed']]).toEqual([200, undefined])
    })

    it('does not get to a stored outcome: neither a replay nor a conflict shows', async () => {
      const { client, records } = system()
      const record = records.next()
      await client.submit(textOf(record))
      for (const text of [textOf({ ...record, sig: '' }), textOf({ ...twinOf(record), budget: 1 })]) {
        problemOf(await client.submit(text), 401)
      }
    })
  })

  describe('a pcs_id that is not the hash of its parts', () => {
    it('is escalated, not stored, and does not poison the true id', async () => {
      const { client, records } = system()
      const honest = records.next()
      const poison = records.next({ pcs_id: honest.pcs_id, seed: 5 })
      await expectMismatch(system(), poison)
      problemOf(await client.outcome(honest.pcs_id), 404)
      const first = await client.submit(textOf(honest))
      expect([first.status, first.headers['idempotent-replayed']]).toEqual([200, undefined])
      await expectMismatch(system(), poison)
      expectReplay(await client.submit(textOf(honest)), first)
      expectReplay(await client.outcome(honest.pcs_id), first)
    })
  })
})

async function expectMismatch({ client }: System<AnyConstellation>, record: TestRecord): Promise<void> {
  const answer = await client.submit(textOf(record))
  expect([answer.status, answer.headers['idempotent-replayed']]).toEqual([202, undefined])
  expect(json(answer)).toMatchObject({ pcs_id: record.pcs_id, accepted: false, reason: 'pcs_id_mismatch' })
}

interface Forgery {
  readonly name: string
  readonly text: string
  readonly pcsId: string
}

/** Each of the signed fields changed after it was signed; those of the id with an id that belongs to them. */
function tampered(records: RecordMaker): Forgery[] {
  const changes: Partial<TestRecord>[] = [
    { D_hat: 0.866733468 },
    { coh_star: 0.74 },
    { r: 0.500000001 },
    { budget: 0.397 },
    { merkle_root: 'ab'.repeat(32) },
    { epoch: 7_777_777 },
    { shard_id: 'another' },
    { pcs_id: 'c'.repeat(64) },
  ]
  return changes.map((change) => {
    const record = { ...records.next(), ...change }
    return { name: `tampered ${Object.keys(change).join()}`, text: textOf(record), pcsId: record.pcs_id }
  })
}

function badSignatures(records: RecordMaker, algorithm: 'hmac' | 'ed25519'): Forgery[] {
  const forgeries: Forgery[] = []
  const add = (name: string, sigText: (sig: string) => string | undefined): void => {
    const { sig, ...record } = records.next()
    const text = sigText(sig)
    const json = textOf(record).slice(0, -1) + (text === undefined ? '}' : `,"sig":${text}}`)
    forgeries.push({ name, text: json, pcsId: record.pcs_id })
  }
  const bytes = (sig: string): Buffer => Buffer.from(sig, 'base64')
  const quoted = (buffer: Buffer): string => JSON.stringify(buffer.toString('base64'))
  add('missing', () => undefined)
  for (const text of ['null', '5', 'true', '[]', '{}', '""', '"="', '" "', '"\\u0000"', '"é"'])
    add(text, () => text)
  add('array of the right one', (sig) => `["${sig}"]`)
  add('without padding', (sig) => JSON.stringify(sig.replace(/=+$/, '')))
  add('padding twice', (sig) => JSON.stringify(`${sig}=`))
  add('white space at its end', (sig) => JSON.stringify(`${sig}\n`))
  add('white space at its beginning', (sig) => JSON.stringify(` ${sig}`))
  add('white space inside', (sig) => JSON.stringify(`${sig.slice(0, 8)} ${sig.slice(8)}`))
  add('as hex', (sig) => JSON.stringify(bytes(sig).toString('hex')))
  add('bits beyond the end', (sig) => JSON.stringify(withSpareBits(sig)))
  add('one byte less', (sig) => quoted(bytes(sig).subarray(0, -1)))
  add('one byte more', (sig) => quoted(Buffer.concat([bytes(sig), Buffer.alloc(1)])))
  add('twice', (sig) => quoted(Buffer.concat([bytes(sig), bytes(sig)])))
  add('one bit flipped', (sig) => quoted(flipped(bytes(sig))))
  add('of zeros', (sig) => quoted(Buffer.alloc(bytes(sig).length)))
  add('of the other algorithm', (sig) => quoted(Buffer.alloc(bytes(sig).length === 32 ? 64 : 32, 1)))
  add('of another record', () => JSON.stringify(records.next().sig))
  // Only a text with one of these two characters has another form in the URL alphabet.
  const special = someRecord(records, ({ sig }) => /[+/]/.test(sig))
  const urlSafe = special.sig.replaceAll('+', '-').replaceAll('/', '_')
  forgeries.push({ name: 'URL alphabet', text: textOf({ ...special, sig: urlSafe }), pcsId: special.pcs_id })
  const foreign = new RecordMaker(foreignKeys[algorithm], `${records.name}-foreign`)
  const stranger = foreign.next()
  forgeries.push({ name: 'foreign key', text: textOf(stranger), pcsId: stranger.pcs_id })
  return forgeries
}

function someRecord(records: RecordMaker, fits: (record: TestRecord) => boolean): TestRecord {
  for (;;) {
    const record = records.next()
    if (fits(record)) return record
  }
}

function flipped(bytes: Buffer): Buffer {
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 0x80
  return bytes
}

/** The same bytes, written in a way that encoding them again does not give. */
function withSpareBits(base64: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
  const padding = /=+$/.exec(base64)?.[0] ?? ''
  const digits = base64.slice(0, base64.length - padding.length)
  const last = alphabet.indexOf(digits.slice(-1))
  const changed = digits.slice(0, -1) + alphabet.charAt(last | 1) + padding
  if (changed === base64 || padding === '') throw new Error('this signature has no spare bits')
  return changed
}
