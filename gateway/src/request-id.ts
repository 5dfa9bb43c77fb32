import { randomBytes } from 'node:crypto'

const ACCEPTED = /^[A-Za-z0-9-]{1,64}$/

/** Names this process; with a counter behind it an id is unique across gateways and costs no random bytes. */
const PROCESS = randomBytes(6).toString('hex')

let made = 0

/** The id of a request: the one offered where it has the contract's form (section 5), else a new one. */
export function requestIdFrom(offered: string | readonly string[] | undefined): string {
  if (typeof offered === 'string' && ACCEPTED.test(offered)) return offered
  made += 1
  return `${PROCESS}-${made.toString(36)}`
}
