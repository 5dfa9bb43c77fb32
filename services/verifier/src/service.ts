import type { KeyRing } from '@fractal-lba/pcs'
import { verifier } from '@fractal-lba/proto'
import {
  batchHandler,
  type GrpcService,
  type Logger,
  toAppError,
  toStatus,
  unaryHandler,
} from '@fractal-lba/runtime'
import { verify } from './verify.js'

/** flk.verifier.v1.VerifierService over verify: only translation, no rules. */
export function verifierService(keys: KeyRing, logger: Logger, draining: AbortSignal): GrpcService {
  const onError = (error: unknown): void => {
    // Records that are refused are nothing special here; what is not in the table of errors is.
    if (toAppError(error).code === 'internal')
      logger.error({ err: error }, 'verification failed unexpectedly')
  }
  const result = (item: verifier.VerifyItem): verifier.VerifyResult => {
    try {
      return { result: { $case: 'record', value: verify(item.body, item.encoding, keys) } }
    } catch (error) {
      onError(error)
      return { result: { $case: 'error', value: toStatus(error) } }
    }
  }
  const implementation: verifier.VerifierServiceServer = {
    verify: unaryHandler(({ body, encoding }) => ({ record: verify(body, encoding, keys) }), onError),
    verifyBatches: batchHandler<verifier.VerifyBatchesRequest, verifier.VerifyItem, verifier.VerifyResult>(
      (items) => items.map(result),
      draining,
      onError,
    ),
  }
  return {
    name: 'flk.verifier.v1.VerifierService',
    definition: verifier.VerifierServiceService,
    implementation: { ...implementation },
  }
}
