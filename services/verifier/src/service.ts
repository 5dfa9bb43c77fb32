import type { KeyRing } from '@fractal-lba/pcs'
import { encoderOf, record, verifier } from '@fractal-lba/proto'
import {
  type CallContext,
  type GrpcService,
  grpcService,
  type Logger,
  toAppError,
  toStatus,
  traceFields,
} from '@fractal-lba/runtime'
import type { VerifierMetrics } from './metrics.js'
import { RefusedRecord, verify } from './verify.js'

/** flk.verifier.v1.VerifierService over verify: only translation, no rules. @param keys those of now, asked anew for each record */
export function verifierService(
  keys: { readonly ring: KeyRing },
  logger: Logger,
  metrics: VerifierMetrics,
): GrpcService {
  const onError = (error: unknown, context?: CallContext): void => {
    // Records that are refused are nothing special here; what is not in the table of errors is.
    if (toAppError(error).code === 'internal')
      logger.error({ err: error, ...traceFields(context) }, 'verification failed unexpectedly')
  }
  const verifyCounted = (
    { body, encoding }: verifier.VerifyItem,
    context: CallContext | undefined,
  ): record.VerifiedRecord => {
    try {
      const verifiedRecord = verify(body, encoding, keys.ring, context)
      metrics.count('verified')
      metrics.used(verifiedRecord.keyId)
      return verifiedRecord
    } catch (error) {
      const { code } = toAppError(error)
      context?.note?.({ 'pcs.reason': code })
      metrics.count(code === 'malformed' || code === 'unauthenticated' ? code : 'failed')
      throw error
    }
  }
  const result = (item: verifier.VerifyItem, context: CallContext | undefined): verifier.VerifyResult => {
    try {
      return { result: { $case: 'verified', value: verified(verifyCounted(item, context)) }, pcsId: '' }
    } catch (error) {
      onError(error, context)
      const pcsId = (error instanceof RefusedRecord && error.pcsId) || ''
      return { result: { $case: 'error', value: toStatus(error) }, pcsId }
    }
  }
  return grpcService(
    verifier.VerifierServiceService,
    {
      verify: (item, { context }) => ({ record: verifyCounted(item, context) }),
      verifyBatches: (items, { contexts }) => items.map((item, index) => result(item, contexts[index])),
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
