import { setTimeout as sleep } from 'node:timers/promises'

/** Waits until it holds. @throws Error with that sentence when it does not within the limit, which is generous */
export async function until(
  sentence: string,
  holds: () => boolean | Promise<boolean>,
  timeoutMs = 120_000,
): Promise<void> {
  const end = performance.now() + timeoutMs
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`not within ${timeoutMs} ms: ${sentence}`)
    await sleep(10)
  }
}
