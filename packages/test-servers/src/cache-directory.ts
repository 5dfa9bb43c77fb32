import { homedir } from 'node:os'
import { join } from 'node:path'

/** Where what was built or made for tests is kept, outside of the checkout. */
export function cacheDirectory(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'fractal-lba', 'test-programs')
}
