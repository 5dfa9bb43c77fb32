import type { WalService } from '@fractal-lba/log-tools/services'
import type { Arguments } from './arguments.js'
import type { Option, Terminal } from './command.js'
import { EXIT, Failure, usageError } from './failure.js'

/** What each command takes that asks a running wal service. */
export const walAddressOption: Option = {
  name: 'addr',
  value: 'HOST:PORT',
  help: "the wal service's gRPC address, several separated by commas\n(WAL_ADDR, else 127.0.0.1:8082, or two above PORT)",
}

/** @throws Failure when an address is none */
export async function walAddresses(given: Arguments, { env }: Terminal): Promise<readonly string[]> {
  const { parseAddress } = await import('@fractal-lba/runtime')
  const port = Number(env.PORT || 8080) + 2
  const text = given.text('addr') ?? (env.WAL_ADDR || `127.0.0.1:${port}`)
  const addresses = text.split(',').map((part) => part.trim())
  if (addresses.every((address) => parseAddress(address) !== undefined)) return addresses
  const place = given.text('addr') === undefined ? 'WAL_ADDR' : '--addr'
  throw usageError(`${place} must be HOST:PORT, several separated by commas`)
}

/** Connects to each, one after the other, and lets go of it. @throws Failure with a sentence for people */
export async function withWalServices(
  addresses: readonly string[],
  use: (service: WalService) => Promise<void>,
): Promise<void> {
  // gRPC is loaded by the commands that need it, when they run.
  const { connectWalService, WalServiceError } = await import('@fractal-lba/log-tools/services')
  for (const address of addresses) {
    const service = connectWalService(address)
    try {
      await use(service)
    } catch (error) {
      if (!(error instanceof WalServiceError)) throw error
      throw new Failure(error.message, error.mayPass ? EXIT.tryLater : EXIT.refused, { cause: error })
    } finally {
      service.close()
    }
  }
}
