import { open } from 'node:fs/promises'
import { FileError, unreadable, Watched } from '@fractal-lba/credentials'
import type { KeyRing, VerifyingKey } from '@fractal-lba/pcs'
import { type Logger, StartError } from '@fractal-lba/runtime'
import type { KeyConfig } from './config.js'
import { KEY_FILE_BYTES_MAX, parseKeyFile } from './key-file.js'

/** The keys of now. */
export interface CurrentKeys {
  readonly ring: KeyRing
  /** Why the key file is not what is used; undefined when it is, or there is none. */
  readonly problem: string | undefined
  close(): void
}

/**
 * The keys of the environment and of the key file, which may change at any time; a key that is in both has the rules of
 * the file.
 * @throws StartError when the key file is of no use at the start
 */
export async function openKeys({ ring, keyFile }: KeyConfig, logger: Logger): Promise<CurrentKeys> {
  if (keyFile === undefined) {
    tell(ring, logger)
    return { ring, problem: undefined, close: () => undefined }
  }
  const own = ring.algorithm === 'none' ? [] : ring.keys
  const watched = await watch(keyFile.path, keyFile.everyMs, logger)
  let current = merged(own, watched.current)
  tell(current, logger)
  watched.onChange((keys) => {
    current = merged(own, keys)
    tell(current, logger)
  })
  return {
    get ring() {
      return current
    },
    get problem() {
      return watched.problem
    },
    close: () => watched.close(),
  }
}

interface FileKeys {
  readonly text: string
  readonly keys: readonly VerifyingKey[]
}

async function watch(path: string, everyMs: number, logger: Logger): Promise<Watched<FileKeys>> {
  const read = async (): Promise<FileKeys> => {
    const text = await readText(path)
    return { text, keys: parseKeyFile(text, path) }
  }
  const onProblem = (problem: string | undefined): void => {
    if (problem === undefined) logger.info('the key file is good again')
    else logger.error(`the key file is not used, the keys before it are: ${problem}`)
  }
  try {
    return await Watched.open(
      { read, isSame: (one, other) => one.text === other.text },
      { everyMs, onProblem },
    )
  } catch (error) {
    throw error instanceof FileError ? new StartError(`PCS_KEYS_FILE: ${error.message}`) : error
  }
}

async function readText(path: string): Promise<string> {
  try {
    const file = await open(path)
    try {
      const { size } = await file.stat()
      if (size > KEY_FILE_BYTES_MAX) throw new FileError(`${path} has more than ${KEY_FILE_BYTES_MAX} bytes`)
      return await file.readFile('utf8')
    } finally {
      await file.close()
    }
  } catch (error) {
    if (error instanceof FileError) throw error
    throw unreadable(path, error)
  }
}

function merged(own: readonly VerifyingKey[], { keys }: FileKeys): KeyRing {
  const byId = new Map([...own, ...keys].map((key) => [key.id, key]))
  return { algorithm: 'both', keys: [...byId.values()] }
}

function tell(ring: KeyRing, logger: Logger): void {
  if (ring.algorithm === 'none') {
    logger.warn('PCS_SIGN_ALG=none: signatures are not looked at')
    return
  }
  logger.info({ keys: ring.keys.map(({ id }) => id) }, 'verifying with these keys')
  for (const key of ring.keys) {
    if (key.algorithm === 'hmac' && key.isWeak) {
      logger.warn(`the key ${key.id} has so few bytes that it can be guessed: pcs keygen makes one of 32`)
    }
  }
}
