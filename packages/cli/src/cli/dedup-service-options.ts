import type { DedupService } from '@fractal-lba/log-tools/services'
import type { Arguments } from './arguments.js'
import type { Option, Terminal } from './command.js'
import { EXIT, Failure, usageError } from './failure.js'

/** What each command takes that asks a running dedup service. */
export const dedupAddressOption: Option = {
  name: 'addr',
  value: 'HOST:PORT',
  help: "the dedup service's gRPC address (DEDUP_ADDR, else 127.0.0.1:8084, or four above PORT); of several\nprocesses on one store any one will do",
}

/** @throws Failure when the address is none */
export async function dedupAddress(given: Arguments, { env }: Terminal): Promise<string> {
  const { parseAddress } = await import('@fractal-lba/runtime')
  const port = Number(env.PORT || 8080) + 4
  const address = (given.text('addr') ?? (env.DEDUP_ADDR || `127.0.0.1:${port}`)).trim()
  if (parseAddress(address) !== undefined) return address
  throw usageError(`${given.text('addr') === undefined ? 'DEDUP_ADDR' : '--addr'} must be HOST:PORT`)
}

/** Connects, and lets go afterwards. @throws Failure with a sentence for people */
export async function withDedupService<Result>(
  address: string,
  use: (service: DedupService) => Promise<Result>,
): Promise<Result> {
  // gRPC is loaded by the commands that need it, when they run.
  const { connectDedupService, DedupServiceError } = await import('@fractal-lba/log-tools/services')
  const service = connectDedupService(address)
  try {
    return await use(service)
  } catch (error) {
    if (!(error instanceof DedupServiceError)) throw error
    throw new Failure(error.message, error.mayPass ? EXIT.tryLater : EXIT.refused, { cause: error })
  } finally {
    service.close()
  }
}
