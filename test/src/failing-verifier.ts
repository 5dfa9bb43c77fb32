import { verifier } from '@fractal-lba/proto'
import {
  AppError,
  batchHandler,
  type GrpcService,
  startGrpcServer,
  toStatus,
  unaryHandler,
} from '@fractal-lba/runtime'
import { credentials, status as Grpc, type ServiceError } from '@grpc/grpc-js'
import { unary } from './unary.js'

/** A verifier that makes a mistake over some records until it is mended; else what the real one says. */
export interface FailingVerifier {
  /** host:port */
  readonly address: string
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
  const draining = new AbortController()
  let isMended = false
  const verify = async ({ body, encoding }: verifier.VerifyItem): Promise<verifier.VerifyResult> => {
    try {
      if (!isMended && fails(body.toString())) throw new AppError('internal', 'a mistake of the verifier')
      const { record } = await unary(client.verify.bind(client), { body, encoding })
      return { result: record && { $case: 'record', value: record } }
    } catch (error) {
      return { result: { $case: 'error', value: toStatus(isServiceError(error) ? refusal(error) : error) } }
    }
  }
  const implementation: verifier.VerifierServiceServer = {
    verify: unaryHandler(() => {
      throw new AppError('internal', 'nobody asks for single records here')
    }, ignore),
    verifyBatches: batchHandler<verifier.VerifyBatchesRequest, verifier.VerifyItem, verifier.VerifyResult>(
      (items) => Promise.all(items.map(verify)),
      draining.signal,
      ignore,
    ),
  }
  const service: GrpcService = {
    name: 'flk.verifier.v1.VerifierService',
    definition: verifier.VerifierServiceService,
    implementation: { ...implementation },
  }
  const server = await startGrpcServer('127.0.0.1:0', [service])
  server.setServing(true)
  return {
    address: `127.0.0.1:${server.port}`,
    mend() {
      isMended = true
    },
    async stop() {
      draining.abort()
      await server.stop(0)
      client.close()
    },
  }
}

function refusal({ code, details }: ServiceError): AppError {
  return new AppError(code === Grpc.INVALID_ARGUMENT ? 'malformed' : 'unavailable', details)
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && 'code' in error && 'details' in error
}

/** What it answers is looked at where it arrives. */
function ignore(): void {
  // nothing to do
}
