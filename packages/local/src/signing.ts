import { type Env, StartError } from '@fractal-lba/runtime'
import { localKey } from './local-key.js'

/** How the local start signs. */
export interface Signing {
  /** What the processes get over what they inherit. */
  readonly env: Readonly<Record<string, string>>
  /** The file with the key of the local start; undefined where the environment brings its own signing. */
  readonly keyFile: string | undefined
  /** Something that its owner should know. */
  readonly warning: string | undefined
}

/** Variables that hold keys; they mean nothing without PCS_SIGN_ALG. */
const KEY_VARIABLES = [
  'PCS_HMAC_KEY',
  'PCS_HMAC_KEYS',
  'PCS_HMAC_KEY_OLD',
  'PCS_HMAC_KEY_NEW',
  'PCS_ED25519_PUB_B64',
]

/**
 * With PCS_SIGN_ALG the environment is used as it is; without it the local start has a key of its own.
 * @throws StartError when keys are set but PCS_SIGN_ALG is not: they would silently not be used.
 */
export async function signingOf(env: Env, dataDir: string): Promise<Signing> {
  const isSet = (name: string): boolean => env.optional(name) !== undefined
  if (isSet('PCS_SIGN_ALG')) return { env: {}, keyFile: undefined, warning: undefined }
  const unused = KEY_VARIABLES.find(isSet)
  if (unused !== undefined) {
    const algorithm = unused.startsWith('PCS_HMAC') ? 'hmac' : 'ed25519'
    throw new StartError(
      `${unused} is set but PCS_SIGN_ALG is not: set PCS_SIGN_ALG=${algorithm} to use it, ` +
        `or unset ${unused} to have a key made`,
    )
  }
  const { key, file, wasExposed } = await localKey(dataDir)
  return {
    env: { PCS_SIGN_ALG: 'hmac', PCS_HMAC_KEY: key },
    keyFile: file,
    warning: wasExposed ? `${file} could be read by others; it is now for its owner alone (0600)` : undefined,
  }
}
