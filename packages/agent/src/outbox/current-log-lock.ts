/** Many may pass at once, or one alone; those who come while it is passed alone wait until that has ended. */
export class Gate {
  #sharing = 0
  #alone: Promise<void> | undefined
  #drained: (() => void) | undefined

  async shared<Result>(use: () => Promise<Result>): Promise<Result> {
    while (this.#alone !== undefined) await this.#alone
    this.#sharing += 1
    try {
      return await use()
    } finally {
      this.#sharing -= 1
      if (this.#sharing === 0) this.#drained?.()
    }
  }

  async alone<Result>(use: () => Promise<Result>): Promise<Result> {
    while (this.#alone !== undefined) await this.#alone
    let open: () => void = () => undefined
    this.#alone = new Promise((resolve) => {
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
      this.#alone = undefined
      open()
    }
  }
}
