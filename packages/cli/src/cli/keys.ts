import { isUtf8 } from 'node:buffer'
import {
  type Ed25519PrivateKey,
  ed25519PrivateKey,
  ed25519PublicKey,
  type HmacKey,
  hmacKey,
  type KeyRing,
  UnusableKey,
} from '@fractal-lba/pcs'
import type { Arguments } from './arguments.js'
import type { Option, Terminal } from './command.js'
import { usageError } from './failure.js'
import { readInput } from './files.js'

const KEY_FILE_BYTES_MAX = 64 * 1024
const HMAC_VARIABLES = ['PCS_HMAC_KEY', 'PCS_HMAC_KEY_OLD', 'PCS_HMAC_KEY_NEW'] as const

export const keyFileOption: Option = {
  name: 'key-file',
  value: 'FILE',
  help: 'an HMAC key as text, instead of the environment; the local start keeps\nits own at DATA_DIR/hmac.key',
}

/**
 * The key that signs, from `--key-file` or the environment; undefined when `PCS_SIGN_ALG=none` asks for none.
 * @throws Failure when nothing says which key, or the key cannot be used
 */
export async function signingKey(
  given: Arguments,
  terminal: Terminal,
): Promise<HmacKey | Ed25519PrivateKey | undefined> {
  const file = given.text('key-file')
  if (file !== undefined) return keyFromFile(file, terminal)
  const { env } = terminal
  switch (algorithm(env)) {
    case 'none':
      return undefined
    case 'hmac':
      return usable('PCS_HMAC_KEY', () => hmacKey(due(env, 'PCS_HMAC_KEY', 'PCS_SIGN_ALG is hmac')))
    case 'ed25519':
      return usable('PCS_ED25519_PRIV_B64', () =>
        ed25519PrivateKey(due(env, 'PCS_ED25519_PRIV_B64', 'PCS_SIGN_ALG is ed25519').trim()),
      )
    case undefined:
      throw usageError(
        'no key to sign with: set PCS_SIGN_ALG to hmac (and PCS_HMAC_KEY), to ed25519 (and PCS_ED25519_PRIV_B64)' +
          ' or to none, or give --key-file FILE; pcs keygen makes a key',
      )
  }
}

/**
 * The keys that verify, from `--key-file` or the environment. Without `PCS_SIGN_ALG` those of both algorithms
 * are tried.
 * @throws Failure when there is no key, or one cannot be used
 */
export async function verifyingRings(given: Arguments, terminal: Terminal): Promise<KeyRing[]> {
  const file = given.text('key-file')
  if (file !== undefined) return [{ algorithm: 'hmac', keys: [await keyFromFile(file, terminal)] }]
  const chosen = algorithm(terminal.env)
  if (chosen === 'none') return [{ algorithm: 'none' }]
  const rings: KeyRing[] = []
  if (chosen !== 'ed25519') rings.push({ algorithm: 'hmac', keys: hmacKeys(terminal.env) })
  if (chosen !== 'hmac') rings.push({ algorithm: 'ed25519', keys: ed25519Keys(terminal.env) })
  const filled = rings.filter((ring) => ring.algorithm !== 'none' && ring.keys.length > 0)
  if (filled.length > 0) return filled
  throw usageError(
    'no key to verify with: set PCS_HMAC_KEY (or PCS_HMAC_KEYS, PCS_HMAC_KEY_OLD, PCS_HMAC_KEY_NEW)' +
      ' or PCS_ED25519_PUB_B64, or give --key-file FILE',
  )
}

async function keyFromFile(path: string, terminal: Terminal): Promise<HmacKey> {
  const bytes = await readInput(path, KEY_FILE_BYTES_MAX, terminal)
  if (!isUtf8(bytes)) throw usageError('the key file cannot be used: it is not UTF-8 text')
  // Editors and `echo` end a file with a line end that is no part of the key.
  return usable('the key file', () => hmacKey(bytes.toString('utf8').replace(/\r?\n$/, '')))
}

function algorithm(env: Terminal['env']): 'hmac' | 'ed25519' | 'none' | undefined {
  const value = env.PCS_SIGN_ALG
  if (value === undefined || value === '') return undefined
  if (value === 'hmac' || value === 'ed25519' || value === 'none') return value
  throw usageError('PCS_SIGN_ALG must be hmac, ed25519 or none')
}

function due(env: Terminal['env'], name: string, because: string): string {
  const value = env[name]
  if (value === undefined || value === '') throw usageError(`${because}, so ${name} must be set`)
  return value
}

function hmacKeys(env: Terminal['env']): HmacKey[] {
  const single = HMAC_VARIABLES.map((name) => ({ name: name as string, text: env[name] }))
  const several = list('PCS_HMAC_KEYS', env.PCS_HMAC_KEYS).map((text) => ({ name: 'PCS_HMAC_KEYS', text }))
  return [...single, ...several].flatMap(({ name, text }) =>
    text === undefined || text === '' ? [] : [usable(name, () => hmacKey(text))],
  )
}

function ed25519Keys(env: Terminal['env']) {
  return list('PCS_ED25519_PUB_B64', env.PCS_ED25519_PUB_B64).map((text) =>
    usable('PCS_ED25519_PUB_B64', () => ed25519PublicKey(text)),
  )
}

/** An empty item is a mistake, as it is to the verifier: somebody meant a key. */
function list(name: string, value: string | undefined): string[] {
  if (value === undefined || value === '') return []
  const items = value.split(',').map((part) => part.trim())
  if (items.includes('')) throw usageError(`${name} cannot be used: a key in it is empty`)
  return items
}

/** Names the variable at fault; the key itself is never told. */
function usable<Key>(source: string, make: () => Key): Key {
  try {
    return make()
  } catch (error) {
    if (error instanceof UnusableKey) throw usageError(`${source} cannot be used: ${error.message}`)
    throw error
  }
}
