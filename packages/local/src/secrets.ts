import type { ProgramName } from './layout.js'

/** Variables that hold secrets, and the one service that reads them; undefined: none, they are an agent's. */
const SECRETS: readonly { readonly name: RegExp; readonly reader: ProgramName | undefined }[] = [
  { name: /^PCS_(HMAC_KEY|KEYS_FILE)/, reader: 'verifier' },
  { name: /^PCS_ED25519_PRIV/, reader: undefined },
  // Addresses of stores too: a URL may have the password in it.
  { name: /^(REDIS|POSTGRES)_/, reader: 'dedup' },
]

/** Whether a program is given this variable: a secret only where it is needed. */
export function isGiven(variable: string, program: ProgramName): boolean {
  const secret = SECRETS.find(({ name }) => name.test(variable))
  if (!secret) return true
  return secret.reader === program || (program === 'one-process' && secret.reader !== undefined)
}
