import { type record, verifier } from '@fractal-lba/proto'
import { type CallOptions, connect, type HopLimits, type RpcContext } from '@fractal-lba/runtime'
import { fromItemStatus } from './record-fault.js'

export interface VerifierClient {
  /** @throws AppError malformed, unauthenticated or unavailable. */
  verify(item: verifier.VerifyItem, options?: CallOptions): Promise<record.VerifiedRecord>
  isServing(): Promise<boolean>
  close(): void
}

export function connectVerifier(address: string, limits: HopLimits, context: RpcContext): VerifierClient {
  const peer = connect(verifier.VerifierServiceService, { service: 'verifier', address, limits }, context)
  const batches = peer.batches('verifyBatches', {
    answer: demandRecord,
    sizeBytes: ({ body }) => body.length,
    idempotent: true,
  })
  return {
    verify: (item, options) => batches.call(item, options),
    isServing: () => peer.isServing(),
    close: () => peer.close(),
  }
}

function demandRecord({ result }: verifier.VerifyResult): record.VerifiedRecord {
  if (result?.$case === 'record') return result.value
  throw fromItemStatus(result?.value ?? { code: 2, message: 'verifier answered nothing', details: [] })
}
