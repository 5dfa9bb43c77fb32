import type { Outcome, Parameters } from '@fractal-lba/pcs'
import { type record, scoring } from '@fractal-lba/proto'
import { AppError, type GrpcService, grpcService, type Logger, toStatus } from '@fractal-lba/runtime'
import { createJudge } from './judge.js'

/** flk.scoring.v1.ScoringService over the judge: only translation, no rules. */
export function scoringService(parameters: Parameters, logger: Logger): GrpcService {
  const judge = createJudge(parameters)
  const judgement = (record: record.VerifiedRecord | undefined): scoring.Judgement => {
    if (!record) throw new AppError('malformed', 'the request has no record')
    return { outcome: toMessage(judge(record)), parameters }
  }
  const onError = (error: unknown): void => logger.debug({ err: error }, 'call failed')

  return grpcService(
    scoring.ScoringServiceService,
    {
      judge: ({ record }) => ({ judgement: judgement(record) }),
      judgeBatches: (items) => items.map((item) => result(() => judgement(item.record))),
    },
    onError,
  )
}

function result(judge: () => scoring.Judgement): scoring.JudgeResult {
  try {
    return { result: { $case: 'judgement', value: judge() } }
  } catch (error) {
    return { result: { $case: 'error', value: toStatus(error) } }
  }
}

/** The outcome as the wire carries it: what is null there is absent here. */
export function toMessage(outcome: Outcome): record.Outcome {
  return {
    pcsId: outcome.pcs_id,
    accepted: outcome.accepted,
    escalated: outcome.escalated,
    reason: outcome.reason,
    message: outcome.message,
    recomputedDHat: outcome.recomputed_D_hat ?? undefined,
    recomputedBudget: outcome.recomputed_budget ?? undefined,
    regime: outcome.regime ?? undefined,
    params: outcome.params,
  }
}
