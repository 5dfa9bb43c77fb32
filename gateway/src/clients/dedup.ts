import { dedup, type record } from '@fractal-lba/proto'
import { BatchClient, type BatchLimits, callUnary, clientOptions, fromStatus } from '@fractal-lba/runtime'
import { credentials } from '@grpc/grpc-js'

export interface DedupClient {
  /** @throws AppError unavailable. */
  lookup(item: dedup.LookupItem, deadlineMs?: number): Promise<dedup.Answer>
  /** @throws AppError unavailable. */
  putIfAbsent(item: dedup.PutItem, deadlineMs?: number): Promise<dedup.Answer>
  /** @throws AppError pcs_not_found or unavailable. */
  get(pcsId: string): Promise<record.Verdict | undefined>
  state(): Promise<dedup.GetStateResponse>
  close(): void
}

/** An id, a fingerprint and a position; a verdict beside it. */
const LOOKUP_BYTES = 200
const PUT_BYTES = 700

export function connectDedup(address: string, limits: BatchLimits): DedupClient {
  const client = new dedup.DedupServiceClient(address, credentials.createInsecure(), clientOptions)
  const lookups = new BatchClient({
    service: 'dedup',
    open: () => client.lookupBatches(),
    answer: demandAnswer,
    sizeBytes: () => LOOKUP_BYTES,
    limits,
  })
  const puts = new BatchClient({
    service: 'dedup',
    open: () => client.putIfAbsentBatches(),
    answer: demandAnswer,
    sizeBytes: () => PUT_BYTES,
    limits,
  })
  return {
    lookup: (item, deadlineMs) => lookups.call(item, deadlineMs),
    putIfAbsent: (item, deadlineMs) => puts.call(item, deadlineMs),
    async get(pcsId) {
      const response = await callUnary(client.get.bind(client), { pcsId }, limits.timeoutMs)
      return response.verdict
    },
    state: () => callUnary(client.getState.bind(client), {}, limits.timeoutMs),
    close() {
      lookups.close()
      puts.close()
      client.close()
    },
  }
}

function demandAnswer(answer: dedup.Answer): dedup.Answer {
  if (answer.error) throw fromStatus(answer.error)
  return answer
}
