import type { DedupService } from '@fractal-lba/log-tools/services'
import { type Env, parseAddress } from '@fractal-lba/runtime/env'
import { readAddresses, readPort } from '@fractal-lba/runtime/shared-settings'
import { localAddressText } from './address-text.js'
import type { Arguments } from './arguments.js'
import type { Option, Terminal } from './command.js'
import { fromEnvironment } from './environment.js'
import { usageError } from './failure.js'
import { callContext, using } from './running-service.js'

/** What each command takes that asks a running dedup service. */
export const dedupAddressOption: Option = {
  name: 'addr',
  value: 'HOST:PORT',
  help: `the dedup service's gRPC address (DEDUP_ADDR, else ${localAddressText('dedup')}); of several\nprocesses on one store any one will do`,
}

/** The same, of every process on one store. */
export const dedupAddressesOption: Option = {
  name: 'addr',
  value: 'HOST:PORT',
  help: `every dedup process on the store, separated by commas\n(DEDUP_ADDR, else ${localAddressText('dedup')})`,
}

/** The first, where there are several. */
export function readDedupAddress(env: Env): string {
  const [first = ''] = readDedupAddresses(env)
  return first
}

/** @throws Failure when the option or the variables are no address */
export function dedupAddress(given: Arguments, terminal: Terminal): string {
  const option = given.text('addr')?.trim()
  if (option === undefined) return fromEnvironment(terminal, readDedupAddress)
  if (parseAddress(option) === undefined) throw usageError('--addr must be HOST:PORT')
  return option
}

export function readDedupAddresses(env: Env): readonly string[] {
  return readAddresses(env, 'dedup', readPort(env))
}

/** @throws Failure when the option or the variables are no addresses */
export function dedupAddresses(given: Arguments, terminal: Terminal): readonly string[] {
  const option = given.text('addr')
  if (option === undefined) return fromEnvironment(terminal, readDedupAddresses)
  const addresses = option.split(',').map((part) => part.trim())
  if (addresses.every((address) => parseAddress(address) !== undefined)) return addresses
  throw usageError('--addr must be HOST:PORT, several separated by commas')
}

/** Connects, and lets go afterwards. @throws Failure with a sentence for people */
export async function withDedupService<Result>(
  terminal: Terminal,
  address: string,
  use: (service: DedupService) => Promise<Result>,
): Promise<Result> {
  // gRPC is loaded by the commands that need it, when they run.
  const { connectDedupService } = await import('@fractal-lba/log-tools/services')
  return using(connectDedupService(address, await callContext(terminal)), use)
}
