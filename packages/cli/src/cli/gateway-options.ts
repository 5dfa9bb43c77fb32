import type { Arguments } from './arguments.js'
import type { Option } from './command.js'
import { ENDPOINT_DEFAULT } from './gateway.js'

const TIMEOUT_MS_DEFAULT = 10_000
const TIMEOUT_MS_MAX = 600_000

export const endpointOption: Option = {
  name: 'endpoint',
  value: 'URL',
  help: `where the gateway is (ENDPOINT, else ${ENDPOINT_DEFAULT})`,
}

export const timeoutOption: Option = {
  name: 'timeout-ms',
  value: 'N',
  help: `how long to wait for the answer (${TIMEOUT_MS_DEFAULT})`,
}

export const TLS_NOTE = `TLS_CA_FILE names the authority that an https endpoint must be signed by, instead of those that Node knows;
TLS_CERT_FILE and TLS_KEY_FILE are the client's own certificate and key (all PEM). HTTP_PROXY and HTTPS_PROXY
are not followed: the endpoint must be reachable directly, or be the address of a reverse proxy.`

/** What each command takes that asks the gateway once. */
export const endpointOptions: readonly Option[] = [
  endpointOption,
  timeoutOption,
  { name: 'json', help: 'print status, replayed and body as one line of JSON, whatever the answer' },
]

/** @throws Failure when `--timeout-ms` is no whole number within its limits */
export function timeoutMsFrom(given: Arguments): number {
  return given.integer('timeout-ms', { min: 1, max: TIMEOUT_MS_MAX }) ?? TIMEOUT_MS_DEFAULT
}
