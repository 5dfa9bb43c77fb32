import type { Parameters } from '@fractal-lba/pcs'
import { bytesOfVerdict, record, scoring } from '@fractal-lba/proto'
import { AppError, type GrpcService, grpcService, type Logger, toStatus } from '@fractal-lba/runtime'
import { createJudge } from './judge.js'

/** flk.scoring.v1.ScoringService over the judge: only translation, no rules. */
export function scoringService(parameters: Parameters, logger: Logger): GrpcService {
  const judge = createJudge(parameters)
  const judgement = (record: record.VerifiedRecord | undefined): scoring.Judgement => {
    if (!record) throw new AppError('malformed', 'the request has no record')
    return { outcome: judge(record), parameters }
  }
  /** All of a verdict that a judge knows. */
  const verdict = (bytes: Buffer): Buffer => {
    const verified = record.VerifiedRecord.decode(bytes)
    const { fingerprint, keyId } = verified
    const outcome = judge(verified)
    return bytesOfVerdict({ outcome, fingerprint, keyId, parameters, judgedAtMs: 0, origin: undefined })
  }
  const onError = (error: unknown): void => logger.debug({ err: error }, 'call failed')

  return grpcService(
    scoring.ScoringServiceService,
    {
      judge: ({ record }) => ({ judgement: judgement(record) }),
      judgeBatches: (items) => items.map((item) => result(() => verdict(item.record))),
    },
    onError,
  )
}

function result(judge: () => Buffer): scoring.JudgeResult {
  try {
    return { result: { $case: 'verdict', value: judge() } }
  } catch (error) {
    return { result: { $case: 'error', value: toStatus(error) } }
  }
}
