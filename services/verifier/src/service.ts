import type { KeyRing } from '@fractal-lba/pcs'
import { encoderOf, record, verifier } from '@fractal-lba/proto'
import { type GrpcService, grpcService, type Logger, toAppError, toStatus } from '@fractal-lba/runtime'
import { verify } from './verify.js'

/** flk.verifier.v1.VerifierService over verify: only translation, no rules. */
export function verifierService(keys: KeyRing, logger: Logger): GrpcService {
  const onError = (error: unknown): void => {
    // Records that are refused are nothing special here; what is not in the table of errors is.
    if (toAppError(error).code === 'internal')
      logger.error({ err: error }, 'verification failed unexpectedly')
  }
  const result = (item: verifier.VerifyItem): verifier.VerifyResult => {
    try {
      return { result: { $case: 'verified', value: verified(verify(item.body, item.encoding, keys)) } }
    } catch (error) {
      onError(error)
      return { result: { $case: 'error', value: toStatus(error) } }
    }
  }
  return grpcService(
    verifier.VerifierServiceService,
    {
      verify: ({ body, encoding }) => ({ record: verify(body, encoding, keys) }),
      verifyBatches: (items) => items.map(result),
    },
    onError,
  )
}

const bytesOfRecord = encoderOf(record.VerifiedRecord)

/** The record as bytes, beside what the gateway needs of it. */
function verified(record: record.VerifiedRecord): verifier.Verified {
  const { pcsId, fingerprint, idMatches } = record
  return { record: bytesOfRecord(record), pcsId, fingerprint, idMatches }
}
