import type { Parameters } from '@fractal-lba/pcs'
import { bytesOfVerdict, record, scoring } from '@fractal-lba/proto'
import {
  AppError,
  type CallContext,
  type GrpcService,
  grpcService,
  type Logger,
  toStatus,
} from '@fractal-lba/runtime'
import { createJudge, type Judge } from './judge.js'
import type { ScoringMetrics } from './metrics.js'

/** flk.scoring.v1.ScoringService over the judge: only translation, no rules. */
export function scoringService(parameters: Parameters, logger: Logger, metrics: ScoringMetrics): GrpcService {
  const pureJudge = createJudge(parameters)
  const judge: Judge = (claims) => {
    const outcome = pureJudge(claims)
    metrics.judged(outcome.reason)
    return outcome
  }
  const judgement = (record: record.VerifiedRecord | undefined): scoring.Judgement => {
    if (!record) throw new AppError('malformed', 'the request has no record')
    return { outcome: judge(record), parameters }
  }
  /** All of a verdict that a judge knows. */
  const verdict = (bytes: Buffer, context: CallContext | undefined): Buffer => {
    const verified = record.VerifiedRecord.decode(bytes)
    const { fingerprint, keyId } = verified
    const outcome = judge(verified)
    context?.note?.({ 'pcs.id': verified.pcsId, 'pcs.reason': outcome.reason ?? 'accepted' })
    return bytesOfVerdict({ outcome, fingerprint, keyId, parameters, judgedAtMs: 0, origin: undefined })
  }
  const onError = (error: unknown): void => logger.debug({ err: error }, 'call failed')
  const result = (item: scoring.JudgeItem, context: CallContext | undefined): scoring.JudgeResult => {
    try {
      return { result: { $case: 'verdict', value: verdict(item.record, context) } }
    } catch (error) {
      metrics.failed()
      onError(error)
      return { result: { $case: 'error', value: toStatus(error) } }
    }
  }

  return grpcService(
    scoring.ScoringServiceService,
    {
      judge: ({ record }) => ({ judgement: judgement(record) }),
      judgeBatches: (items, { contexts }) => items.map((item, index) => result(item, contexts[index])),
    },
    onError,
  )
}
