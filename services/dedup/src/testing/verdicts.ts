import { hash, randomBytes } from 'node:crypto'
import { bytesOfVerdict, type wal } from '@fractal-lba/proto'
import type { IndexEntry, StoredVerdict } from '../store.js'

export const LOG_ID = 'aa'.repeat(16)

/** For tests: a pcs_id, the same for the same name. */
export function pcsIdOf(name: string | number): string {
  return hash('sha256', `id ${name}`)
}

/** For tests: the fingerprint of some content. */
export function fingerprintOf(content: string): Buffer {
  return Buffer.concat([Buffer.from([1]), hash('sha256', content, 'buffer')])
}

/** For tests: a whole verdict, different in every part that a store must keep for each. */
export function verdictOf(
  name: string | number,
  {
    content = 'content',
    sequence = 1,
    logId = LOG_ID,
    judgedAtMs = Date.now(),
  }: {
    readonly content?: string
    readonly sequence?: number
    readonly logId?: string
    readonly judgedAtMs?: number
  } = {},
): StoredVerdict {
  return {
    outcome: {
      pcsId: pcsIdOf(name),
      accepted: true,
      escalated: true,
      reason: 'regime_mismatch',
      message: `claimed sticky, recomputed mixed (${name})`,
      recomputedDHat: 1.412345678,
      recomputedBudget: 0,
      regime: 'mixed',
      params: '0011223344556677',
    },
    fingerprint: fingerprintOf(`${content} of ${name}`),
    keyId: 'hmac-1',
    parameters: {
      tolD: 0.15,
      tolCoh: 0.05,
      tolBudget: 0.01,
      tolR: 0,
      alpha: 0.3,
      beta: 0.5,
      gamma: 0.2,
      base: 0.1,
      d0: 2.2,
    },
    judgedAtMs,
    origin: { logId, sequence },
  }
}

export function entryOf(verdict: StoredVerdict, expiresAtMs: number, marked = false): IndexEntry {
  return { verdict, expiresAtMs, marked }
}

/** For tests: the mark that the entry named by sequence gets when this verdict stands. */
export function markOf(
  verdict: StoredVerdict,
  generation: string,
  sequence = verdict.origin.sequence,
): wal.Mark {
  return {
    sequence,
    status: 202,
    verdict: bytesOfVerdict(verdict),
    indexed: true,
    generation,
    replayed: false,
  }
}

/** For tests: ids that no two tests share. */
export function randomName(): string {
  return randomBytes(8).toString('hex')
}
