import { verifier } from '@fractal-lba/proto'
import { AppError, type CallOptions, connect, type HopLimits, type RpcContext } from '@fractal-lba/runtime'
import { fromItemStatus } from './record-fault.js'

/**
 * To read a record costs 0.1 µs for each byte that is made for it, and a batch is read in one go: others wait some
 * 10 ms at most. A full batch of honest records has as much.
 */
const BATCH_BYTES_MAX = 128 * 2 ** 10

/** The verifier's refusal of a record: malformed or unauthenticated. */
export class RefusedRecord extends AppError {
  /** What stands in its place, where that has the right form; nothing vouches for it. */
  readonly pcsId: string | undefined

  constructor({ code, message, violations }: AppError, pcsId: string) {
    super(code, message, { violations })
    this.pcsId = pcsId || undefined
  }
}

export interface VerifierClient {
  /** A refusal is a value. @throws AppError unavailable. */
  verify(item: verifier.VerifyItem, options?: CallOptions): Promise<verifier.Verified | RefusedRecord>
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
    describe: (answer) => (answer instanceof AppError ? {} : { 'pcs.id': answer.pcsId }),
  })
  return {
    verify: (item, options) => batches.call(item, options),
    isServing: (timeoutMs) => peer.isServing(timeoutMs),
    close: () => peer.close(),
  }
}

function verifiedOrRefusal({ result, pcsId }: verifier.VerifyResult): verifier.Verified | RefusedRecord {
  if (result?.$case === 'verified') return result.value
  const error = fromItemStatus(
    result?.value ?? { code: 2, message: 'verifier answered nothing', details: [] },
  )
  if (error.code === 'malformed' || error.code === 'unauthenticated') return new RefusedRecord(error, pcsId)
  throw error
}
