/**
 * Keeps the current log from being replaced while it is used. Uses share the lock; a compaction, which puts another
 * log in its place, holds it exclusively. Who comes during an exclusive use waits for its end.
 */
export class CurrentLogLock {
  #sharing = 0
  #exclusive: Promise<void> | undefined
  #drained: (() => void) | undefined

  async shared<Result>(use: () => Promise<Result>): Promise<Result> {
    while (this.#exclusive !== undefined) await this.#exclusive
    this.#sharing += 1
    try {
      return await use()
    } finally {
      this.#sharing -= 1
      if (this.#sharing === 0) this.#drained?.()
    }
  }

  async exclusive<Result>(use: () => Promise<Result>): Promise<Result> {
    while (this.#exclusive !== undefined) await this.#exclusive
    let open: () => void = () => undefined
    this.#exclusive = new Promise((resolve) => {
      open = resolve
    })
    try {
      if (this.#sharing > 0) {
        await new Promise<void>((resolve) => {
          this.#drained = resolve
        })
        this.#drained = undefined
      }
      return await use()
    } finally {
      this.#exclusive = undefined
      open()
    }
  }
}
