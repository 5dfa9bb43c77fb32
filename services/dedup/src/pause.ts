/** Resolves after the time, or as soon as the signal is aborted. */
export function pause(ms: number, stopping: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (stopping.aborted) return resolve()
    const done = (): void => {
      clearTimeout(timer)
      stopping.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    stopping.addEventListener('abort', done)
  })
}

/** Milliseconds before the next try: doubles from firstMs to mostMs, and differs by chance, so that not all come at once. */
export class Backoff {
  readonly #firstMs: number
  readonly #mostMs: number
  #tries = 0

  constructor(firstMs: number, mostMs: number) {
    this.#firstMs = firstMs
    this.#mostMs = mostMs
  }

  next(): number {
    const ms = Math.min(this.#mostMs, this.#firstMs * 2 ** Math.min(this.#tries, 30))
    this.#tries += 1
    return ms * (0.5 + Math.random() / 2)
  }

  reset(): void {
    this.#tries = 0
  }
}
