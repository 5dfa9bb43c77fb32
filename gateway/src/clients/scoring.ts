import { scoring } from '@fractal-lba/proto'
import { BatchClient, type BatchLimits, clientOptions } from '@fractal-lba/runtime'
import { credentials } from '@grpc/grpc-js'
import { fromItemStatus } from './record-fault.js'

export interface ScoringClient {
  /** @throws AppError unavailable. */
  judge(item: scoring.JudgeItem, deadlineMs?: number): Promise<scoring.Judgement>
  close(): void
}

/** A record of 64 scales is about 1.2 KB on the wire. */
const ITEM_BYTES = 1_400

export function connectScoring(address: string, limits: BatchLimits): ScoringClient {
  const client = new scoring.ScoringServiceClient(address, credentials.createInsecure(), clientOptions)
  const batches = new BatchClient({
    service: 'scoring',
    open: () => client.judgeBatches(),
    answer: demandJudgement,
    sizeBytes: () => ITEM_BYTES,
    limits,
  })
  return {
    judge: (item, deadlineMs) => batches.call(item, deadlineMs),
    close() {
      batches.close()
      client.close()
    },
  }
}

function demandJudgement({ result }: scoring.JudgeResult): scoring.Judgement {
  if (result?.$case === 'judgement') return result.value
  throw fromItemStatus(result?.value ?? { code: 2, message: 'scoring answered nothing', details: [] })
}
