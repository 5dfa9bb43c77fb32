import { setTimeout as sleep } from 'node:timers/promises'

const POLL_MS = 10

/**
 * Asks again and again until the answer is not undefined or false.
 * @throws Error that says what was waited for, after the limit.
 */
export async function until<T>(
  what: string,
  limitMs: number,
  ask: () => Promise<T | undefined | false> | T | undefined | false,
): Promise<T> {
  const endMs = performance.now() + limitMs
  for (;;) {
    const value = await ask()
    if (value !== undefined && value !== false) return value
    if (performance.now() > endMs) throw new Error(`not after ${limitMs} ms: ${what}`)
    await sleep(POLL_MS)
  }
}
