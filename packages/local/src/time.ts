/** Resolves after `timeMs`, or at once when the signal is aborted. */
export function pause(timeMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, timeMs)
    signal?.addEventListener('abort', done)
    if (signal?.aborted) done()
  })
}

/** Waits for `promise`, but not longer than the limit. */
export async function within(limitMs: number, promise: Promise<unknown>): Promise<void> {
  const settled = new AbortController()
  await Promise.race([promise.finally(() => settled.abort()), pause(limitMs, settled.signal)])
}

/** For a sentence: `200 ms`, `1.6 s`. */
export function durationText(timeMs: number): string {
  return timeMs < 1_000 ? `${Math.round(timeMs)} ms` : `${Math.round(timeMs / 100) / 10} s`
}
