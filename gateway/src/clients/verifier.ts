import { type record, verifier } from '@fractal-lba/proto'
import { BatchClient, type BatchLimits, clientOptions } from '@fractal-lba/runtime'
import { credentials } from '@grpc/grpc-js'
import { fromItemStatus } from './record-fault.js'

export interface VerifierClient {
  /** @throws AppError malformed, unauthenticated or unavailable. */
  verify(item: verifier.VerifyItem, deadlineMs?: number): Promise<record.VerifiedRecord>
  close(): void
}

export function connectVerifier(address: string, limits: BatchLimits): VerifierClient {
  const client = new verifier.VerifierServiceClient(address, credentials.createInsecure(), clientOptions)
  const batches = new BatchClient({
    service: 'verifier',
    open: () => client.verifyBatches(),
    answer: demandRecord,
    sizeBytes: ({ body }) => body.length,
    limits,
  })
  return {
    verify: (item, deadlineMs) => batches.call(item, deadlineMs),
    close() {
      batches.close()
      client.close()
    },
  }
}

function demandRecord({ result }: verifier.VerifyResult): record.VerifiedRecord {
  if (result?.$case === 'record') return result.value
  throw fromItemStatus(result?.value ?? { code: 2, message: 'verifier answered nothing', details: [] })
}
