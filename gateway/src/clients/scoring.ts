import { scoring } from '@fractal-lba/proto'
import { type CallOptions, connect, type HopLimits, type RpcContext } from '@fractal-lba/runtime'
import { fromItemStatus } from './record-fault.js'

export interface ScoringClient {
  /** @throws AppError unavailable. */
  judge(item: scoring.JudgeItem, options?: CallOptions): Promise<scoring.Judgement>
  isServing(): Promise<boolean>
  close(): void
}

/** A record of 64 scales is about 1.2 KB on the wire. */
const ITEM_BYTES = 1_400

export function connectScoring(address: string, limits: HopLimits, context: RpcContext): ScoringClient {
  const peer = connect(scoring.ScoringServiceService, { service: 'scoring', address, limits }, context)
  const batches = peer.batches('judgeBatches', {
    answer: demandJudgement,
    sizeBytes: () => ITEM_BYTES,
    idempotent: true,
  })
  return {
    judge: (item, options) => batches.call(item, options),
    isServing: () => peer.isServing(),
    close: () => peer.close(),
  }
}

function demandJudgement({ result }: scoring.JudgeResult): scoring.Judgement {
  if (result?.$case === 'judgement') return result.value
  throw fromItemStatus(result?.value ?? { code: 2, message: 'scoring answered nothing', details: [] })
}
