import { hash } from 'node:crypto'
import {
  budgetOf,
  defaultParameters,
  type Ed25519PrivateKey,
  fractalDimension,
  type HmacKey,
  pcsId,
  regimeOf,
  round9,
  sign,
} from '@fractal-lba/pcs'
import { seededRandom } from './random.js'

export interface RecordOptions {
  /** Decides everything: the same seed, key and shares give the same records. */
  readonly seed: number
  readonly key: HmacKey | Ed25519PrivateKey
  /** Share of records that are an exact copy of an earlier one, 0 to 1. Default 0. */
  readonly duplicateShare?: number
  /** Share of records whose signature is of no key, 0 to 1. Default 0. */
  readonly badSignatureShare?: number
  /** Share of bodies that are no record, 0 to 1. Default 0. */
  readonly malformedShare?: number
}

/** The JSON text of a record, and what is to be expected of it. */
export interface MadeRecord {
  readonly body: string
  readonly kind: 'new' | 'duplicate' | 'bad_signature' | 'malformed'
}

const SCALES = [2, 4, 8, 16, 32, 64, 128, 256]
/** Copies are made of one of so many earlier records. */
const COPIED_FROM_LAST = 1_024
const HMAC_BYTES = 32

/**
 * Makes signed records, each with an id of its own and consistent in itself, so that the default parameters
 * accept them; about 800 bytes.
 */
export function recordMaker({
  seed,
  key,
  duplicateShare = 0,
  badSignatureShare = 0,
  malformedShare = 0,
}: RecordOptions): () => MadeRecord {
  const random = seededRandom(seed)
  const earlier: string[] = []
  let made = 0

  const fresh = (): string => {
    const number = made++
    const N_j = countsLike(0.3 + 2.9 * random(), 1 + 7 * random(), random)
    const D_hat = fractalDimension(SCALES, Object.values(N_j)) ?? 0
    const [coh_star, r] = [round9(random()), round9(random())]
    const merkle_root = hash('sha256', `load|${seed}|${number}`, 'hex')
    const [shard_id, epoch] = [`load-shard-${number % 64}`, Math.floor(number / 64)]
    const signed = {
      pcs_id: pcsId(merkle_root, epoch, shard_id),
      merkle_root,
      epoch,
      shard_id,
      D_hat,
      coh_star,
      r,
      budget: budgetOf(D_hat, coh_star, r, defaultParameters),
    }
    return JSON.stringify({
      schema: 'fractal-lba-kakeya',
      version: '0.1',
      ...signed,
      attempt: 1,
      sent_at: new Date(Date.UTC(2026, 0, 1) + number).toISOString(),
      seed: 42,
      scales: SCALES,
      N_j,
      v_star: direction(random),
      regime: regimeOf(D_hat, coh_star),
      sig: sign(signed, key),
      ft: {
        outbox_seq: number,
        degraded: false,
        fallbacks: [],
        clock_skew_ms: Math.floor(random() * 100) - 50,
      },
    })
  }

  return () => {
    const lot = random()
    const copied = lot < duplicateShare ? earlier[Math.floor(random() * earlier.length)] : undefined
    if (copied !== undefined) return { body: copied, kind: 'duplicate' }
    const body = fresh()
    if (lot >= duplicateShare && lot < duplicateShare + badSignatureShare) {
      return { body: withSignature(body, foreignSignature(random)), kind: 'bad_signature' }
    }
    if (lot >= 1 - malformedShare) return { body: body.slice(0, -1), kind: 'malformed' }
    if (earlier.length < COPIED_FROM_LAST) earlier.push(body)
    else earlier[made % COPIED_FROM_LAST] = body
    return { body, kind: 'new' }
  }
}

/** A complete HTTP/1.1 request that submits this body. */
export function submitRequest(body: string, path = '/v1/pcs/submit'): Buffer {
  return Buffer.from(
    `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
}

/** A complete HTTP/1.1 request that submits these bodies, one a line. */
export function batchRequest(bodies: readonly string[]): Buffer {
  const lines = `${bodies.join('\n')}\n`
  return Buffer.from(
    `POST /v1/pcs/batch HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\nContent-Length: ${Buffer.byteLength(lines)}\r\n\r\n${lines}`,
  )
}

/** Cell counts that grow with the scale about as scale^dimension does, with some noise. */
function countsLike(dimension: number, cells: number, random: () => number): Record<string, number> {
  return Object.fromEntries(
    SCALES.map((scale) => [scale, Math.round(cells * scale ** dimension * (0.95 + 0.1 * random()))]),
  )
}

function direction(random: () => number): [number, number, number] {
  const [x, y, z] = [random() - 0.5, random() - 0.5, random() - 0.5]
  const length = Math.hypot(x, y, z) || 1
  return [x / length, y / length, z / length]
}

/** Well-formed, and of no key. */
function foreignSignature(random: () => number): string {
  return Buffer.from(Array.from({ length: HMAC_BYTES }, () => Math.floor(random() * 256))).toString('base64')
}

function withSignature(body: string, sig: string): string {
  return body.replace(/"sig":"[^"]*"/, `"sig":"${sig}"`)
}
