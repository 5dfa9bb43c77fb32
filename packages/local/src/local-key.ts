import { randomBytes, randomUUID } from 'node:crypto'
import { chmod, link, open, readFile, stat, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { StartError } from '@fractal-lba/runtime'
import { makeDirectory } from '@fractal-lba/runtime/make-directory'

const KEY_BYTES = 32
const KEY_TEXT = new RegExp(`^[0-9a-f]{${KEY_BYTES * 2}}$`)

export interface LocalKey {
  /** The key itself: its text is the value of PCS_HMAC_KEY. Never printed. */
  readonly key: string
  readonly file: string
  /** Others than its owner could read it until now. */
  readonly wasExposed: boolean
}

/**
 * The HMAC key of the local start: made once, 32 random bytes as lower-case hex, kept in `DATA_DIR/hmac.key`
 * with mode 0600 and no line end. It is written beside its place, flushed and linked into it, so that two
 * starts at once end up with one key and a crash never leaves half of one.
 * @throws StartError when the file holds something else.
 */
export async function localKey(dataDir: string): Promise<LocalKey> {
  const file = join(dataDir, 'hmac.key')
  await makeDirectory(dataDir, 0o700)
  const kept = (await readKey(file)) ?? (await makeKey(file))
  if (!KEY_TEXT.test(kept)) {
    throw new StartError(
      `${file} does not hold the key that was once made (${KEY_BYTES * 2} hex characters): put it back, ` +
        'or delete the file to have a new one made (what the old one signed is then refused)',
    )
  }
  const wasExposed = ((await stat(file)).mode & 0o077) !== 0
  if (wasExposed) await chmod(file, 0o600)
  return { key: kept, file, wasExposed }
}

async function readKey(file: string): Promise<string | undefined> {
  try {
    return (await readFile(file, 'utf8')).trimEnd()
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined
    throw error
  }
}

async function makeKey(file: string): Promise<string> {
  const key = randomBytes(KEY_BYTES).toString('hex')
  const beside = `${file}.${randomUUID()}.new`
  const handle = await open(beside, 'wx', 0o600)
  try {
    await handle.writeFile(key)
    await handle.sync()
  } finally {
    await handle.close()
  }
  try {
    await link(beside, file)
  } catch (error) {
    // Another start was first: its key is the one.
    if (!isCode(error, 'EEXIST')) throw error
  } finally {
    await unlink(beside)
  }
  await flushDirectory(dirname(file))
  return (await readKey(file)) ?? key
}

/** A new name in a directory is durable only after the directory is. */
async function flushDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
