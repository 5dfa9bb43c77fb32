import { scoring } from '@fractal-lba/proto'
import { type CallOptions, connect, type HopLimits, type RpcContext } from '@fractal-lba/runtime'
import { fromItemStatus, RecordFault } from './record-fault.js'

export interface ScoringClient {
  /** The verdict, as bytes that lack time and place. @throws AppError unavailable. */
  judge(item: scoring.JudgeItem, options?: CallOptions): Promise<Buffer>
  isServing(timeoutMs: number): Promise<boolean>
  close(): void
}

export function connectScoring(address: string, limits: HopLimits, context: RpcContext): ScoringClient {
  const peer = connect(scoring.ScoringServiceService, { service: 'scoring', address, limits }, context)
  const batches = peer.batches('judgeBatches', {
    answer: demandVerdict,
    sizeBytes: ({ record }) => record.length,
    idempotent: true,
  })
  return {
    judge: (item, options) => batches.call(item, options),
    isServing: (timeoutMs) => peer.isServing(timeoutMs),
    close: () => peer.close(),
  }
}

function demandVerdict({ result }: scoring.JudgeResult): Buffer {
  if (result?.$case === 'verdict') return result.value
  const error = fromItemStatus(result?.value ?? { code: 2, message: 'scoring answered nothing', details: [] })
  // The record has been verified: whatever scoring has against it is no refusal of the record.
  throw error.code === 'unavailable' ? error : new RecordFault(error.message)
}
