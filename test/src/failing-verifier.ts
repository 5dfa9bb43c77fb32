import { record, verifier } from '@fractal-lba/proto'
import { AppError, grpcService, startGrpcServer, toStatus } from '@fractal-lba/runtime'
import { credentials, status as Grpc, type ServiceError } from '@grpc/grpc-js'
import { unary } from './unary.js'

const REFUSALS = new Map<Grpc, AppError['code']>([
  [Grpc.INVALID_ARGUMENT, 'malformed'],
  [Grpc.UNAUTHENTICATED, 'unauthenticated'],
])

/** A verifier that makes a mistake over some records until it is mended; else what the real one says. */
export interface FailingVerifier {
  /** host:port */
  readonly address: string
  /** How many it has made until now. */
  mistakes(): number
  mend(): void
  stop(): Promise<void>
}

/**
 * @param behind address of the real verifier
 * @param fails whether it makes its mistake over a record with this text
 */
export async function startFailingVerifier(
  behind: string,
  fails: (text: string) => boolean,
): Promise<FailingVerifier> {
  const client = new verifier.VerifierServiceClient(behind, credentials.createInsecure())
  let isMended = false
  let mistakes = 0
  const verify = async ({ body, encoding }: verifier.VerifyItem): Promise<verifier.VerifyResult> => {
    try {
      if (!isMended && fails(body.toString())) {
        mistakes += 1
        throw new AppError('internal', 'a mistake of the verifier')
      }
      const { record: found } = await unary(client.verify.bind(client), { body, encoding })
      return { result: found && { $case: 'verified', value: verified(found) }, pcsId: '' }
    } catch (error) {
      const value = toStatus(isServiceError(error) ? refusal(error) : error)
      return { result: { $case: 'error', value }, pcsId: '' }
    }
  }
  const service = grpcService(verifier.VerifierServiceService, {
    verifyBatches: (items) => Promise.all(items.map(verify)),
  })
  const server = await startGrpcServer('127.0.0.1:0', [service])
  server.setServing(true)
  return {
    address: `127.0.0.1:${server.port}`,
    mistakes: () => mistakes,
    mend() {
      isMended = true
    },
    async stop() {
      await server.stop(0)
      client.close()
    },
  }
}

function verified(found: record.VerifiedRecord): verifier.Verified {
  const bytes = Buffer.from(record.VerifiedRecord.encode(found).finish())
  return { record: bytes, pcsId: found.pcsId, fingerprint: found.fingerprint, idMatches: found.idMatches }
}

function refusal({ code, details }: ServiceError): AppError {
  return new AppError(REFUSALS.get(code) ?? 'unavailable', details)
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && 'code' in error && 'details' in error
}
