import { readFileSync } from 'node:fs'
import { JsonNumber, type JsonValue, parseJson } from '../src/json.js'
import type { FingerprintFields } from '../src/record.js'

interface SigningVectors {
  hmac_key_utf8: string
  ed25519_private_b64: string
  ed25519_public_b64: string
  cases: {
    name: string
    pcs_json: string
    payload: string
    sha256_hex: string
    hmac_b64: string
    ed25519_b64: string
  }[]
  fingerprints: { pcs_json: string; text: string; fingerprint_hex: string }[]
}

interface SignalVectors {
  D_hat: { scales: number[]; N_j: Record<string, number>; D_hat: number }[]
  budget_and_regime: { D_hat: number; coh_star: number; r: number; regime: string; budget: number }[]
}

interface SubmissionVectors {
  hmac_key_utf8: string
  submissions: { name: string; pcs: Record<string, unknown>; expect: { status: number } }[]
}

export const signingVectors: SigningVectors = read('signing')
export const signalVectors: SignalVectors = read('signals')
export const submissionVectors: SubmissionVectors = read('submissions')

function read(name: string) {
  return JSON.parse(readFileSync(new URL(`../../../vectors/${name}.json`, import.meta.url), 'utf8'))
}

/**
 * The fields of a text that may be no valid record: the canonical bytes validate nothing, and vectors hold cases
 * with only eight fields and with shard ids that a submission may not have.
 */
export function fieldsOf(text: string): FingerprintFields {
  const record = parseJson(Buffer.from(text))
  if (!(record instanceof Map)) throw new Error('not an object')
  const numbers = (value: JsonValue | undefined) => (Array.isArray(value) ? value.map(numberOf) : [])
  const texts = (key: string) => String(record.get(key))
  const counts = record.get('N_j')
  const [x = 0, y = 0, z = 0] = numbers(record.get('v_star'))
  return {
    pcs_id: texts('pcs_id'),
    merkle_root: texts('merkle_root'),
    epoch: numberOf(record.get('epoch')),
    shard_id: texts('shard_id'),
    D_hat: numberOf(record.get('D_hat')),
    coh_star: numberOf(record.get('coh_star')),
    r: numberOf(record.get('r')),
    budget: numberOf(record.get('budget')),
    schema: texts('schema'),
    version: texts('version'),
    seed: numberOf(record.get('seed')),
    scales: numbers(record.get('scales')),
    N_j: new Map(counts instanceof Map ? [...counts].map(([key, count]) => [key, numberOf(count)]) : []),
    v_star: [x, y, z],
    regime:
      record.get('regime') === 'sticky'
        ? 'sticky'
        : record.get('regime') === 'mixed'
          ? 'mixed'
          : 'non_sticky',
  }
}

function numberOf(value: JsonValue | undefined): number {
  const number = value instanceof JsonNumber ? value.value : value
  return typeof number === 'number' ? number : Number.NaN
}
