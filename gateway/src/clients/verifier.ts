import { verifier } from '@fractal-lba/proto'
import {
  type AppError,
  type CallOptions,
  connect,
  type HopLimits,
  type RpcContext,
} from '@fractal-lba/runtime'
import { fromItemStatus } from './record-fault.js'

/**
 * To read a record costs 0.1 µs for each byte that is made for it, and a batch is read in one go: others wait some
 * 20 ms at most. A batch of honest records has half of this.
 */
const BATCH_BYTES_MAX = 256 * 2 ** 10

export interface VerifierClient {
  /** A refusal is a value: an AppError malformed or unauthenticated. @throws AppError unavailable. */
  verify(item: verifier.VerifyItem, options?: CallOptions): Promise<verifier.Verified | AppError>
  isServing(timeoutMs: number): Promise<boolean>
  close(): void
}

export function connectVerifier(address: string, limits: HopLimits, context: RpcContext): VerifierClient {
  const peer = connect(verifier.VerifierServiceService, { service: 'verifier', address, limits }, context)
  const batches = peer.batches('verifyBatches', {
    answer: verifiedOrRefusal,
    sizeBytes: ({ body }) => body.length,
    idempotent: true,
    batchBytesMax: BATCH_BYTES_MAX,
  })
  return {
    verify: (item, options) => batches.call(item, options),
    isServing: (timeoutMs) => peer.isServing(timeoutMs),
    close: () => peer.close(),
  }
}

function verifiedOrRefusal({ result }: verifier.VerifyResult): verifier.Verified | AppError {
  if (result?.$case === 'verified') return result.value
  const error = fromItemStatus(
    result?.value ?? { code: 2, message: 'verifier answered nothing', details: [] },
  )
  if (error.code === 'malformed' || error.code === 'unauthenticated') return error
  throw error
}
