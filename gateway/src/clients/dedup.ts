import { dedup, type record } from '@fractal-lba/proto'
import { type CallOptions, connect, fromStatus, type HopLimits, type RpcContext } from '@fractal-lba/runtime'

export interface DedupClient {
  /** @throws AppError unavailable. */
  lookup(item: dedup.LookupItem, options?: CallOptions): Promise<dedup.Answer>
  /** @throws AppError unavailable. */
  putIfAbsent(item: dedup.PutItem, options?: CallOptions): Promise<dedup.Answer>
  /** @throws AppError pcs_not_found or unavailable. */
  get(pcsId: string, options?: CallOptions): Promise<record.Verdict | undefined>
  state(timeoutMs: number): Promise<dedup.GetStateResponse>
  close(): void
}

/** An id, a fingerprint and a position. */
const LOOKUP_BYTES = 200

/** @param addresses of processes on one store: what fails at one of them is tried once more at another */
export function connectDedup(
  addresses: readonly string[],
  limits: HopLimits,
  context: RpcContext,
): DedupClient {
  const peer = connect(dedup.DedupServiceService, { service: 'dedup', address: addresses, limits }, context)
  const lookups = peer.batches('lookupBatches', {
    answer: demandAnswer,
    sizeBytes: () => LOOKUP_BYTES,
    idempotent: true,
  })
  const puts = peer.batches('putIfAbsentBatches', {
    answer: demandAnswer,
    sizeBytes: ({ verdict }) => verdict.length,
    idempotent: true,
  })
  return {
    lookup: (item, options) => lookups.call(item, options),
    putIfAbsent: (item, options) => puts.call(item, options),
    async get(pcsId, options) {
      const { verdict } = await peer.unary('get', { pcsId }, { ...options, idempotent: true })
      return verdict
    },
    state: (timeoutMs) => peer.unary('getState', {}, { timeoutMs, idempotent: true }),
    close: () => peer.close(),
  }
}

function demandAnswer(answer: dedup.Answer): dedup.Answer {
  if (answer.error) throw fromStatus(answer.error)
  return answer
}
