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
import type { Env } from '@fractal-lba/runtime/env'
import type { Arguments } from './arguments.js'
import type { Option, Terminal } from './command.js'
import { usageError } from './failure.js'
import { readInput } from './files.js'

const KEY_FILE_BYTES_MAX = 64 * 1024
const HMAC_VARIABLES = ['PCS_HMAC_KEY', 'PCS_HMAC_KEY_OLD', 'PCS_HMAC_KEY_NEW'] as const
const VERIFYING_VARIABLES = {
  hmac: [...HMAC_VARIABLES, 'PCS_HMAC_KEYS'],
  ed25519: ['PCS_ED25519_PUB_B64'],
  all: [...HMAC_VARIABLES, 'PCS_HMAC_KEYS', 'PCS_ED25519_PUB_B64'],
} as const

export const keyFileOption: Option = {
  name: 'key-file',
  value: 'FILE',
  help: 'an HMAC key as text, instead of the environment; the local start keeps\nits own at DATA_DIR/hmac.key',
}

/** The key that `--key-file` names; undefined without the option. @throws Failure when it cannot be used */
export async function keyOfFile(given: Arguments, terminal: Terminal): Promise<HmacKey | undefined> {
  const file = given.text('key-file')
  if (file === undefined) return undefined
  const bytes = await readInput(file, KEY_FILE_BYTES_MAX, terminal)
  if (!isUtf8(bytes)) throw usageError('the key file cannot be used: it is not UTF-8 text')
  // Editors and `echo` end a file with a line end that is no part of the key.
  const text = bytes.toString('utf8').replace(/\r?\n$/, '')
  try {
    return hmacKey(text)
  } catch (error) {
    if (error instanceof UnusableKey) throw usageError(`the key file cannot be used: ${error.message}`)
    throw error
  }
}

/** The key that signs; undefined when `PCS_SIGN_ALG=none` asks for none, or after a mistake. */
export function readSigningKey(env: Env): HmacKey | Ed25519PrivateKey | undefined {
  switch (readAlgorithm(env)) {
    case 'none':
    case 'mistaken':
      return undefined
    case 'hmac': {
      const text = env.required('PCS_HMAC_KEY', 'PCS_SIGN_ALG is hmac')
      return text === '' ? undefined : usable(env, 'PCS_HMAC_KEY', () => hmacKey(text))
    }
    case 'ed25519': {
      const text = env.required('PCS_ED25519_PRIV_B64', 'PCS_SIGN_ALG is ed25519').trim()
      return text === '' ? undefined : usable(env, 'PCS_ED25519_PRIV_B64', () => ed25519PrivateKey(text))
    }
    case undefined:
      env.mistake(
        'no key to sign with: set PCS_SIGN_ALG to hmac (and PCS_HMAC_KEY), to ed25519 (and PCS_ED25519_PRIV_B64)' +
          ' or to none, or give --key-file FILE; pcs keygen makes a key',
      )
      return undefined
  }
}

/** The keys that verify. Without `PCS_SIGN_ALG` those of both algorithms are tried. */
export function readVerifyingRings(env: Env): readonly KeyRing[] {
  const chosen = readAlgorithm(env)
  if (chosen === 'mistaken') return []
  if (chosen === 'none') return [{ algorithm: 'none' }]
  if (VERIFYING_VARIABLES[chosen ?? 'all'].every((name) => env.optional(name) === undefined)) {
    env.mistake(
      'no key to verify with: set PCS_HMAC_KEY (or PCS_HMAC_KEYS, PCS_HMAC_KEY_OLD, PCS_HMAC_KEY_NEW)' +
        ' or PCS_ED25519_PUB_B64, or give --key-file FILE',
    )
  }
  const rings: KeyRing[] = []
  if (chosen !== 'ed25519') rings.push({ algorithm: 'hmac', keys: readHmacKeys(env) })
  if (chosen !== 'hmac') rings.push({ algorithm: 'ed25519', keys: readEd25519Keys(env) })
  return rings.filter((ring) => ring.algorithm === 'none' || ring.keys.length > 0)
}

type Algorithm = 'hmac' | 'ed25519' | 'none' | 'mistaken'

function readAlgorithm(env: Env): Algorithm | undefined {
  if (env.optional('PCS_SIGN_ALG') === undefined) return undefined
  return env.oneOf<Algorithm>('PCS_SIGN_ALG', ['hmac', 'ed25519', 'none'], 'mistaken')
}

function readHmacKeys(env: Env): HmacKey[] {
  const single = HMAC_VARIABLES.map((name) => ({ name: name as string, text: env.optional(name) }))
  const several = readList(env, 'PCS_HMAC_KEYS').map((text) => ({ name: 'PCS_HMAC_KEYS', text }))
  return [...single, ...several].flatMap(({ name, text }) => {
    const key = text === undefined ? undefined : usable(env, name, () => hmacKey(text))
    return key === undefined ? [] : [key]
  })
}

function readEd25519Keys(env: Env) {
  return readList(env, 'PCS_ED25519_PUB_B64').flatMap((text) => {
    const key = usable(env, 'PCS_ED25519_PUB_B64', () => ed25519PublicKey(text))
    return key === undefined ? [] : [key]
  })
}

/** An empty item is a mistake, as it is to the verifier: somebody meant a key. */
function readList(env: Env, name: string): string[] {
  const items = env
    .optional(name)
    ?.split(',')
    .map((part) => part.trim())
  if (items?.includes('')) env.mistake(`${name} cannot be used: a key in it is empty`)
  return items?.filter((item) => item !== '') ?? []
}

/** Names the variable at fault, never the key. @returns undefined after a mistake */
function usable<Key>(env: Env, name: string, make: () => Key): Key | undefined {
  try {
    return make()
  } catch (error) {
    if (!(error instanceof UnusableKey)) throw error
    env.mistake(`${name} cannot be used: ${error.message}`)
    return undefined
  }
}
