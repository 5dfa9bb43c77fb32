import { hash } from 'node:crypto'
import { recordMaker } from '@fractal-lba/load'
import { defaultParameters, hmacKey, pcsId } from '@fractal-lba/pcs'
import { bytesOfVerdict, record, type wal } from '@fractal-lba/proto'

/** Submissions as agents send them; used again and again, since a log does not look into them. */
export function submissionBodies(count: number): Buffer[] {
  const next = recordMaker({ seed: 20_260_101, key: hmacKey('a key of the bench') })
  return Array.from({ length: count }, () => Buffer.from(next().body))
}

export function submissionItem(body: Buffer): wal.AppendItem {
  return { body, encoding: record.Encoding.ENCODING_JSON, liveMs: 0, arrivedAtMs: 0 }
}

/** The mark of a plain acceptance, as the gateway writes it: each with an id of its own. */
export function acceptance(position: record.Position, generation: string): wal.Mark {
  const root = hash('sha256', `bench|${position.sequence}`, 'hex')
  const outcome = {
    pcsId: pcsId(root, 1, 'bench'),
    accepted: true,
    escalated: false,
    reason: undefined,
    message: undefined,
    recomputedDHat: 1.153805336,
    recomputedBudget: 0.335089823,
    regime: 'mixed',
    params: 'a8895c936d4d',
  }
  const verdict = {
    outcome,
    fingerprint: Buffer.concat([Buffer.of(1), Buffer.from(root, 'hex')]),
    keyId: 'hmac-0123456789abcdef',
    parameters: defaultParameters,
    judgedAtMs: Date.now(),
    origin: position,
  }
  return {
    sequence: position.sequence,
    status: 200,
    verdict: bytesOfVerdict(verdict),
    indexed: true,
    generation,
    replayed: false,
  }
}
