import { ed25519PublicKey, hmacKey, type KeyRing, UnusableKey } from '@fractal-lba/pcs'
import { type Env, readHopTimeoutMs, readServiceConfig, type ServiceConfig } from '@fractal-lba/runtime'
import type { SignatureLimits } from './signature-queue.js'

export interface VerifierConfig extends ServiceConfig {
  readonly keys: KeyConfig
  readonly signatures: SignatureLimits
}

/** As many as come in one batch: while the next one is read, the threads work on this one. */
const UNDER_WAY_MAX = 128

export interface KeyConfig {
  /** The keys of the environment. */
  readonly ring: KeyRing
  readonly keyFile: { readonly path: string; readonly everyMs: number } | undefined
}

export function readVerifierConfig(env: Env): VerifierConfig {
  const path = env.optional('PCS_KEYS_FILE')
  const everyMs = env.durationMs('PCS_KEYS_RELOAD_EVERY', 10_000, { min: 100, max: 3_600_000 })
  const keyFile = path === undefined ? undefined : { path, everyMs }
  return {
    ...readServiceConfig(env, 'verifier'),
    keys: { ring: readKeyRing(env, keyFile !== undefined), keyFile },
    signatures: {
      underWayMax: UNDER_WAY_MAX,
      waitingMax: env.integer('VERIFY_QUEUE', 4_096, { min: 1, max: 1_000_000 }),
      waitMaxMs: readHopTimeoutMs(env),
    },
  }
}

/** The keys of the contract's section 8; several may be valid at once while they are rotated. */
function readKeyRing(env: Env, hasFile: boolean): KeyRing {
  // The file says of each key what it is.
  if (hasFile && env.optional('PCS_SIGN_ALG') === undefined) return { algorithm: 'both', keys: [] }
  const asked = env.required(
    'PCS_SIGN_ALG',
    'hmac (with PCS_HMAC_KEY), ed25519 (with PCS_ED25519_PUB_B64), or none to take records unsigned; or set PCS_KEYS_FILE',
  )
  switch (asked) {
    case 'none':
      if (hasFile)
        env.mistake('PCS_SIGN_ALG=none takes records unsigned, and PCS_KEYS_FILE is set: unset one of them')
      return { algorithm: 'none' }
    case 'hmac': {
      const texts = [
        ...['PCS_HMAC_KEY', 'PCS_HMAC_KEY_OLD', 'PCS_HMAC_KEY_NEW'].map(
          (name) => [name, env.optional(name)] as const,
        ),
        ...list(env.optional('PCS_HMAC_KEYS')).map((text) => ['PCS_HMAC_KEYS', text] as const),
      ]
      const keys = loadAll(env, texts, hmacKey)
      if (!hasFile && texts.every(([, text]) => text === undefined)) {
        env.mistake(
          'PCS_SIGN_ALG=hmac needs a key: set PCS_HMAC_KEY (or PCS_HMAC_KEYS, PCS_HMAC_KEY_OLD and _NEW)',
        )
      }
      return { algorithm: 'hmac', keys }
    }
    case 'ed25519': {
      const texts = list(env.optional('PCS_ED25519_PUB_B64')).map(
        (text) => ['PCS_ED25519_PUB_B64', text] as const,
      )
      if (!hasFile && texts.length === 0)
        env.mistake('PCS_SIGN_ALG=ed25519 needs a key: set PCS_ED25519_PUB_B64')
      return { algorithm: 'ed25519', keys: loadAll(env, texts, ed25519PublicKey) }
    }
    default:
      if (asked !== '') env.mistake('PCS_SIGN_ALG is not none, hmac or ed25519')
      return { algorithm: 'none' }
  }
}

function list(text: string | undefined): string[] {
  return text === undefined ? [] : text.split(',').map((part) => part.trim())
}

/** Loads what is set, each key once; a key that cannot be used is a mistake, told without its text. */
function loadAll<Key extends { readonly id: string }>(
  env: Env,
  texts: readonly (readonly [name: string, text: string | undefined])[],
  load: (text: string) => Key,
): Key[] {
  const keys = new Map<string, Key>()
  for (const [name, text] of texts) {
    if (text === undefined) continue
    try {
      const key = load(text)
      keys.set(key.id, key)
    } catch (error) {
      if (!(error instanceof UnusableKey)) throw error
      env.mistake(`${name}: ${error.message}`)
    }
  }
  return [...keys.values()]
}
