import { randomInt } from 'node:crypto'
import { defaultParameters, fingerprint, hmacKey, type Pcs, parseRecord } from '@fractal-lba/pcs'
import { record } from '@fractal-lba/proto'
import { recordMaker } from '../records.js'

// Messages in the JSON of protobuf, as ghz takes them: bytes are base64.

/** A message of a request in JSON. */
export type Message = Readonly<Record<string, unknown>>

/** How long nobody else finishes what is appended here: longer than any run. */
const LIVE_MS = 3_600_000
const KEY_ID = 'load'

/** A record that nobody has sent, in each form that an RPC takes it in. */
export interface FreshRecord {
  readonly body: string
  readonly pcs: Pcs
}

export function freshRecords(count: number, secret: string): readonly FreshRecord[] {
  const next = recordMaker({ seed: randomInt(2 ** 47), key: hmacKey(secret) })
  return Array.from({ length: count }, () => {
    const { body } = next()
    return { body, pcs: parseRecord(Buffer.from(body)) }
  })
}

/** flk.ingest.v1.PcsRecord */
export function typedRecord({ body }: FreshRecord): Message {
  const { N_j, D_hat, ...rest } = JSON.parse(body) as Record<string, unknown>
  return { ...rest, n_j: N_j, d_hat: D_hat }
}

/** What the verifier and the log take: the text as it came. */
export function rawBody({ body }: FreshRecord): Message {
  return { body: base64(Buffer.from(body)), encoding: 'ENCODING_JSON' }
}

export function appendItem(fresh: FreshRecord): Message {
  return { ...rawBody(fresh), live_ms: LIVE_MS }
}

export function lookupItem({ pcs }: FreshRecord): Message {
  return { pcs_id: pcs.pcs_id, fingerprint: base64(fingerprint(pcs)) }
}

/** What the verifier would have made of it. */
function verifiedRecord({ pcs }: FreshRecord): record.VerifiedRecord {
  return {
    ...{ pcsId: pcs.pcs_id, fingerprint: fingerprint(pcs), keyId: KEY_ID, idMatches: true },
    ...{ scales: [...pcs.scales], counts: pcs.scales.map((scale) => pcs.N_j.get(`${scale}`) ?? 0) },
    ...{ dHat: pcs.D_hat, cohStar: pcs.coh_star, r: pcs.r, budget: pcs.budget, regime: pcs.regime },
  }
}

export function verifiedMessage(fresh: FreshRecord): Message {
  const verified = verifiedRecord(fresh)
  return { ...verified, fingerprint: base64(verified.fingerprint) }
}

export function verifiedBytes(fresh: FreshRecord): string {
  return base64(record.VerifiedRecord.encode(verifiedRecord(fresh)).finish())
}

/** A verdict under an id of its own, as the gateway would put it. */
export function verdictBytes({ pcs }: FreshRecord): string {
  const verdict: record.Verdict = {
    outcome: { pcsId: pcs.pcs_id, accepted: true, escalated: false, regime: pcs.regime, params: 'load' },
    ...{ fingerprint: fingerprint(pcs), keyId: KEY_ID, parameters: defaultParameters },
    judgedAtMs: Date.now(),
    origin: { logId: '0'.repeat(32), sequence: 1 },
  }
  return base64(record.Verdict.encode(verdict).finish())
}

export function marksOf(logId: string, sequences: readonly number[]): readonly Message[] {
  return sequences.map((sequence) => ({ log_id: logId, mark: { sequence, status: 400 } }))
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}
