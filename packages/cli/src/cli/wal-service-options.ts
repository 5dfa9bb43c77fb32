import type { WalService } from '@fractal-lba/log-tools/services'
import { type Env, parseAddress } from '@fractal-lba/runtime/env'
import { readAddresses, readPort } from '@fractal-lba/runtime/shared-settings'
import { localAddressText } from './address-text.js'
import type { Arguments } from './arguments.js'
import type { Option, Terminal } from './command.js'
import { fromEnvironment } from './environment.js'
import { usageError } from './failure.js'
import { callContext, using } from './running-service.js'

/** What each command takes that asks a running wal service. */
export const walAddressOption: Option = {
  name: 'addr',
  value: 'HOST:PORT',
  help: `the wal service's gRPC address, several separated by commas\n(WAL_ADDR, else ${localAddressText('wal')})`,
}

export function readWalAddresses(env: Env): readonly string[] {
  return readAddresses(env, 'wal', readPort(env))
}

/** @throws Failure when the option or the variables are no addresses */
export function walAddresses(given: Arguments, terminal: Terminal): readonly string[] {
  const option = given.text('addr')
  if (option === undefined) return fromEnvironment(terminal, readWalAddresses)
  const addresses = option.split(',').map((part) => part.trim())
  if (addresses.every((address) => parseAddress(address) !== undefined)) return addresses
  throw usageError('--addr must be HOST:PORT, several separated by commas')
}

/** Connects to each, one after the other, and lets go of it. @throws Failure with a sentence for people */
export async function withWalServices(
  terminal: Terminal,
  addresses: readonly string[],
  use: (service: WalService) => Promise<void>,
): Promise<void> {
  // gRPC is loaded by the commands that need it, when they run.
  const { connectWalService } = await import('@fractal-lba/log-tools/services')
  const context = await callContext(terminal)
  for (const address of addresses) await using(connectWalService(address, context), use)
}
