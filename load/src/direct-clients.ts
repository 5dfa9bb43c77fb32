import type { Found, MemoryStore, StoredVerdict, VerdictIndex } from '@fractal-lba/dedup-service'
import type { Connections, DedupClient, ScoringClient, VerifierClient, WalClient } from '@fractal-lba/gateway'
import { defaultParameters, type KeyRing } from '@fractal-lba/pcs'
import { type dedup, verdictFromBytes, type wal } from '@fractal-lba/proto'
import { AppError } from '@fractal-lba/runtime'
import { createJudge, toMessage } from '@fractal-lba/signal-scoring-service'
import { verify } from '@fractal-lba/verifier-service'
import type { SubmissionLog } from '@fractal-lba/wal-service'

/** The services' own rules and stores, in this process. */
export interface Parts {
  readonly log: SubmissionLog
  readonly keys: KeyRing
  readonly store: MemoryStore
  readonly index: VerdictIndex
  readonly generation: string
}

/** The gateway's clients without anything between them and what they ask. */
export function connectDirectly(parts: Parts): Connections {
  return {
    wals: [directWal(parts)],
    verifier: directVerifier(parts),
    scoring: directScoring(),
    dedup: directDedup(parts),
  }
}

function directWal({ log, generation }: Parts): WalClient {
  return {
    address: 'in this process',
    append: async (item) => demand(await log.append([item])),
    async markDone(item) {
      const result = demand(await log.markDone([item]))
      if (result instanceof AppError) throw result
      return result
    },
    leaseOpen: async (entriesMax, leaseMs) => ({
      entries: await log.leaseOpen(entriesMax, leaseMs),
      openCount: log.openCount,
    }),
    reportReplayFailure: (position, reason) => log.reportReplayFailure(position, reason),
    state: async () => ({
      logId: log.logId,
      nextSequence: log.head.sequence + 1,
      generation,
      openCount: log.openCount,
      oldestOpenMs: log.oldestOpenMs,
      takesAppends: true,
      refusal: '',
      diskFreeBytes: 0,
      diskSizeBytes: 0,
      headChain: log.head.chain,
      deadLetterCount: log.deadLetterCount,
      quarantinedSegments: [...log.quarantinedSegments],
      logBytes: log.sizeBytes,
    }),
    close: () => {},
  }
}

function directVerifier({ keys }: Parts): VerifierClient {
  return {
    verify: async ({ body, encoding }) => verify(body, encoding, keys),
    close: () => {},
  }
}

function directScoring(): ScoringClient {
  const judge = createJudge(defaultParameters)
  return {
    async judge({ record }) {
      if (!record) throw new AppError('malformed', 'the request has no record')
      return { outcome: toMessage(judge(record)), parameters: defaultParameters }
    },
    close: () => {},
  }
}

function directDedup({ index, store, generation }: Parts): DedupClient {
  return {
    async lookup({ pcsId, fingerprint, origin }) {
      return answer(demand(await index.lookupMany([{ pcsId, fingerprint, origin }])))
    },
    async putIfAbsent({ verdict }) {
      return answer(demand(await index.putManyIfAbsent([complete(verdictFromBytes(verdict))])))
    },
    async get(pcsId) {
      const verdict = await index.get(pcsId)
      if (!verdict) throw new AppError('pcs_not_found', 'no verdict is stored under this id')
      return verdict
    },
    state: async () => ({
      backend: store.backend,
      takesPuts: true,
      answers: true,
      refusal: '',
      remembered: store.state().remembered,
      generation,
    }),
    close: () => {},
  }
}

function answer(found: Found | AppError): dedup.Answer {
  if (found instanceof AppError) throw found
  return { error: undefined, ...found }
}

function complete(verdict: wal.Verdict | undefined): StoredVerdict {
  const { outcome, parameters, origin } = verdict ?? {}
  if (!verdict || !outcome || !parameters || !origin)
    throw new AppError('malformed', 'the verdict lacks a part')
  return { ...verdict, outcome, parameters, origin }
}

function demand<T>([first]: readonly T[]): T {
  if (first === undefined) throw new AppError('internal', 'asked for one, got none')
  return first
}
