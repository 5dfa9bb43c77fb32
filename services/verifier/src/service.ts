import type { Ed25519Check, KeyRing } from '@fractal-lba/pcs'
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

export interface VerifierParts {
  /** Those of now, asked anew for each record. */
  readonly keys: { readonly ring: KeyRing }
  readonly check: Ed25519Check<Promise<boolean>>
  readonly metrics: VerifierMetrics
}

/** flk.verifier.v1.VerifierService over verify: only translation, no rules. */
export function verifierService({ keys, check, metrics }: VerifierParts, logger: Logger): GrpcService {
  const onError = (error: unknown, context?: CallContext): void => {
    // Records that are refused are nothing special here; what is not in the table of errors is.
    if (toAppError(error).code === 'internal')
      logger.error({ err: error, ...traceFields(context) }, 'verification failed unexpectedly')
  }
  const verifyCounted = async (
    { body, encoding }: verifier.VerifyItem,
    context: CallContext | undefined,
  ): Promise<record.VerifiedRecord> => {
    try {
      const verifiedRecord = await verify(body, encoding, keys.ring, { check, context })
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
  const result = async (
    item: verifier.VerifyItem,
    context: CallContext | undefined,
  ): Promise<verifier.VerifyResult> => {
    try {
      const value = verified(await verifyCounted(item, context))
      return { result: { $case: 'verified', value }, pcsId: '' }
    } catch (error) {
      onError(error, context)
      const pcsId = (error instanceof RefusedRecord && error.pcsId) || ''
      return { result: { $case: 'error', value: toStatus(error) }, pcsId }
    }
  }
  return grpcService(
    verifier.VerifierServiceService,
    {
      verify: async (item, { context }) => ({ record: await verifyCounted(item, context) }),
      verifyBatches: (items, { contexts }) =>
        Promise.all(items.map((item, index) => result(item, contexts[index]))),
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
